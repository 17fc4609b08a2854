//! Figures of streaming: constant memory at any length, what `update` costs the frame thread, seeks, seams, rates; and
//! of converting a sequence, whose memory is not to grow with it either.
//!
//! `cargo run --release -p vivant-tests --bin stream [-- --record FILE.csv]` prints a table with its conditions, and
//! writes it as CSV. The performances are generated into the system's temporary folder. Memory is measured in processes
//! of their own, one a clip or sequence, so that neither sees what the other left behind.

#![expect(clippy::print_stdout, reason = "a program whose output is its table")]

mod capture;
mod content;
mod seeks;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use content::{FPS, Level, Plan, TICKS};
use vivant::clip::{Access, Clip, Compression};
use vivant::playback::{LoopMode, Player, PlayerOptions};
use vivant_tests::thread::{cpu_nanos, page_faults, percentile, resident_bytes};

pub(crate) type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

const SECOND: i64 = 1_000_000_000;
/// The budget of the long and the short clip: less than the short one needs as a whole.
const STREAM_BUDGET: u64 = 2 << 20;
const UPDATES: i64 = 18_000;
const ROOM: usize = 18_000;

/// Ten minutes and its first ten seconds.
const LONG: Plan = Plan {
    seconds: 600,
    levels: [Level(0, i64::MAX, 500), Level(3, 10 * TICKS, 800), Level(6, TICKS, 3000)],
    compression: Compression::Zstd(3),
};
const SHORT: Plan = Plan { seconds: 10, ..LONG };
/// 200,000 live splats, nine tenths of which change with a seek.
const LARGE: Plan = Plan {
    seconds: 20,
    levels: [Level(0, i64::MAX, 20_000), Level(2, 5 * TICKS, 60_000), Level(4, TICKS, 120_000)],
    compression: Compression::Zstd(3),
};

thread_local! {
    /// Allocations and releases by this thread.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts the calls of each thread.
struct Counting;

#[expect(unsafe_code, reason = "an allocator cannot be written without it")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.try_with(|calls| calls.set(calls.get() + 1)).ok();
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.try_with(|calls| calls.set(calls.get() + 1)).ok();
        // SAFETY: the pointer came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One line of the table.
pub(crate) struct Row(String, String, &'static str, String);

pub(crate) fn row(metric: &str, value: impl ToString, unit: &'static str, conditions: impl ToString) -> Row {
    Row(metric.to_owned(), value.to_string(), unit, conditions.to_string())
}

fn main() -> Anyhow<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, path, access] = arguments.as_slice()
        && mode == "--child"
    {
        return child(Path::new(path), access);
    }
    if let [mode, folder] = arguments.as_slice()
        && mode == "--convert"
    {
        return Ok(capture::child(Path::new(folder))?);
    }
    let folder = std::env::temp_dir().join(format!("vivant-stream-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let table = measure(&folder);
    std::fs::remove_dir_all(&folder)?;
    let table = table?;
    for Row(metric, value, unit, conditions) in &table {
        println!("{metric:<44} {value:>12} {unit:<6} {conditions}");
    }
    if let [flag, path] = arguments.as_slice()
        && flag == "--record"
    {
        let mut csv = "metric,value,unit,conditions\n".to_owned();
        for Row(metric, value, unit, conditions) in &table {
            csv += &format!("{metric},{value},{unit},\"{conditions}\"\n");
        }
        std::fs::write(path, csv)?;
    }
    Ok(())
}

fn measure(folder: &Path) -> Anyhow<Vec<Row>> {
    let mut table =
        vec![row("machine", machine(), "", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))];
    let (long, short, large) = (folder.join("long.vvt"), folder.join("short.vvt"), folder.join("large.vvt"));
    for (name, path, plan) in [("10 min", &long, &LONG), ("10 s", &short, &SHORT), ("200 k", &large, &LARGE)]
    {
        let begun = Instant::now();
        let report = content::write(path, plan)?;
        let what = format!("{} live splats, {} segments", plan.live(), report.nodes);
        table.push(row(&format!("{name}: generate"), seconds(begun.elapsed()), "s", &what));
        table.push(row(&format!("{name}: file"), report.file_bytes >> 20, "MiB", &what));
    }
    for access in ["pread", "auto"] {
        for (name, path) in [("10 min", &long), ("10 s", &short)] {
            let conditions = format!("{access}, {UPDATES} updates, budget 2 MiB");
            table.extend(in_a_process(
                name,
                &["--child".as_ref(), path.as_ref(), access.as_ref()],
                &conditions,
            )?);
        }
    }
    table.extend(capture::rows(&folder.join("frames"))?);
    table.extend(seeks::rows(&large)?);
    table.extend(seams(&long)?);
    table.extend(rates(&long)?);
    Ok(table)
}

/// Runs this program again with `arguments`; the lines of metric, value and unit that it prints.
pub(crate) fn in_a_process(name: &str, arguments: &[&OsStr], conditions: &str) -> Anyhow<Vec<Row>> {
    let output = std::process::Command::new(std::env::current_exe()?).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let fields = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let of_fields = |fields: Vec<&str>| {
        let [metric, value, unit] = fields[..] else { return None };
        let unit = ["KiB", "MiB", "ns", "s"].into_iter().find(|known| *known == unit).unwrap_or("");
        Some(row(&format!("{name}: {metric}"), value, unit, conditions))
    };
    Ok(fields.filter_map(of_fields).collect())
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{} x{cores} load {load}", model.trim_matches([' ', '\t', ':']).replace(',', " "))
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// Waits until the picture of a host time is there.
pub(crate) fn settle(player: &mut Player, host_nanos: i64) -> Anyhow<()> {
    let begun = Instant::now();
    loop {
        player.update(host_nanos);
        if player.live().is_some() && !player.stats().holding {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("the loader never came: {:?}", player.error()).into());
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// The host time of the middle of a frame.
fn middle(frame: i64) -> i64 {
    let nanos = (2 * i128::from(frame) + 1) * i128::from(SECOND) / (2 * i128::from(FPS));
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

/// Plays a clip in a process of its own and tells what it cost.
fn child(path: &Path, access: &str) -> Anyhow<()> {
    let access = if access == "auto" { Access::Auto } else { Access::Pread };
    let clip = Arc::new(Clip::open(path, access)?);
    let options =
        PlayerOptions { budget_bytes: STREAM_BUDGET, loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
    let mut player = Player::open(clip, options)?;
    settle(&mut player, 0)?;
    player.play(0);
    // Written to beforehand, so that their own pages are there.
    let (mut cpu, mut wall, mut held) = (vec![1_u64; ROOM], vec![Duration::MAX; ROOM], vec![1_u64; ROOM]);
    cpu.clear();
    wall.clear();
    held.clear();
    let mut samples = Vec::new();
    let (mut faults, mut calls) = ((0, 0), 0);
    for frame in 0..UPDATES {
        if frame == UPDATES - 10_000 {
            (faults, calls) = (page_faults(), CALLS.with(Cell::get));
        }
        let begun = Instant::now();
        let before = cpu_nanos();
        player.update(middle(frame));
        cpu.push(cpu_nanos() - before);
        wall.push(begun.elapsed());
        held.push(player.stats().held_bytes);
        if frame % 100 == 99 && frame < UPDATES - 10_000 {
            samples.push(resident_bytes());
        }
        std::thread::sleep(Duration::from_micros(150));
    }
    let (faults_after, calls_after) = (page_faults(), CALLS.with(Cell::get));
    samples.sort_unstable();
    cpu.sort_unstable();
    wall.sort_unstable();
    held.sort_unstable();
    let stats = player.stats();
    println!("resident memory median\t{}\tKiB", percentile(&samples, 0.5) >> 10);
    println!("resident memory at the end\t{}\tKiB", resident_bytes() >> 10);
    println!("held bytes median\t{}\tKiB", percentile(&held, 0.5) >> 10);
    println!("held bytes most\t{}\tKiB", held.last().copied().unwrap_or(0) >> 10);
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("update {name} thread time\t{}\tns", percentile(&cpu, part));
        println!("update {name} wall\t{}\tns", percentile(&wall, part).as_nanos());
    }
    println!("minor faults in 10000 updates\t{}\t", faults_after.0 - faults.0);
    println!("major faults in 10000 updates\t{}\t", faults_after.1 - faults.1);
    println!("allocations in 10000 updates\t{}\t", calls_after - calls);
    println!("underruns\t{}\t", stats.underruns);
    Ok(())
}

/// A thousand laps of a phrase that does not fit the budget as a whole, looked at in the middle of every frame.
fn seams(path: &Path) -> Anyhow<Vec<Row>> {
    let clip = Arc::new(Clip::open(path, Access::Auto)?);
    let budget_bytes = Player::full_bytes(&clip) + clip.limits().max_segment_bytes;
    let (first, count, laps) = (285, 60, 1000);
    let mut wrong = 0;
    let mut player = Player::open(
        clip,
        PlayerOptions { budget_bytes, loop_mode: LoopMode::Loop, ..PlayerOptions::default() },
    )?;
    let edge = |frame: i64| frame * SECOND / i64::from(FPS);
    player.set_range(0, Some((edge(first), edge(first + count))))?;
    settle(&mut player, 0)?;
    player.play(0);
    for frame in 0..laps * count {
        let live = player.update(middle(frame)).map(|live| live.tick.div_euclid(1000));
        wrong += i64::from(live != Some(first + frame % count));
        std::thread::sleep(Duration::from_micros(150));
    }
    let conditions = format!(
        "{laps} laps of {count} frames over 3 segments, budget {} KiB, {} frames a second",
        budget_bytes >> 10,
        1_000_000 / 210
    );
    Ok(vec![row("frames repeated or missing", wrong, "", conditions)])
}

/// Times shown against exact arithmetic, forwards and backwards.
fn rates(path: &Path) -> Anyhow<Vec<Row>> {
    let clip = Arc::new(Clip::open(path, Access::Auto)?);
    let mut table = Vec::new();
    for quarters in [-16_i64, -4, -1, 1, 2, 4, 8, 16] {
        let options = PlayerOptions {
            budget_bytes: STREAM_BUDGET,
            loop_mode: LoopMode::Loop,
            rate: quarters as f64 / 4.0,
            ..PlayerOptions::default()
        };
        let mut player = Player::open(clip.clone(), options)?;
        settle(&mut player, 0)?;
        player.play(0);
        let (mut wrong, frames) = (0, 3000);
        for frame in 0..frames {
            let host = frame * 11_111_112;
            settle(&mut player, host)?;
            let media = (i128::from(host) * i128::from(quarters)).div_euclid(4);
            let media = media.rem_euclid(i128::from(clip.duration_nanos()));
            let tick = (media * i128::from(TICKS) + i128::from(SECOND / 2)) / i128::from(SECOND);
            let last = i128::from(clip.span() - 1);
            wrong += i64::from(player.live().map(|live| i128::from(live.tick)) != Some(tick.min(last)));
        }
        let metric = format!("times not exact at {}x", quarters as f64 / 4.0);
        table.push(row(&metric, wrong, "", format!("{frames} updates of 11.1 ms")));
    }
    Ok(table)
}
