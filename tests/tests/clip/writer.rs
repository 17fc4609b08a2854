//! The writer's promises: nothing half-written, nothing that does not fit.

use vivant::Error;
use vivant::clip::{Access, Clip, Writer, WriterOptions};
use vivant::codec::{encode, write_performance};

use super::support::sequence;

#[test]
fn the_writer_shows_nothing_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.vvt");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    std::fs::write(&path, b"what was there before").unwrap();
    let performance = sequence(1, 300, 3);
    let writer = {
        let mut writer = Writer::create(&path, &performance.info, &WriterOptions::default()).unwrap();
        writer.push_segment(1, 0, 3000, &performance.splats).unwrap();
        assert_eq!(names().len(), 2, "the partial file stands beside");
        writer
    };
    drop(writer);
    assert_eq!(names(), ["take.vvt"], "and is removed");
    assert_eq!(std::fs::read(&path).unwrap(), b"what was there before");
    write_performance(&path, &performance, &WriterOptions::default()).unwrap();
    assert_eq!(names(), ["take.vvt"]);
    assert_eq!(Clip::open(&path, Access::Auto).unwrap().splats(), 900);
    let nowhere = folder.path().join("no/such/folder.vvt");
    assert!(matches!(
        write_performance(&nowhere, &performance, &WriterOptions::default()),
        Err(Error::Io { .. })
    ));
}

#[test]
fn segments_that_do_not_fit_are_refused_by_the_writer() {
    let performance = sequence(1, 300, 3);
    let encoded = encode(&performance.splats, 0, 1000, performance.info.rate).unwrap().data;
    let push = |level: u8, change: &dyn Fn(&mut vivant::frame::SegmentData)| {
        let mut writer = Writer::in_memory(&performance.info, &WriterOptions::default()).unwrap();
        writer.push_data(1, &encoded).unwrap();
        let mut data = encoded.clone();
        change(&mut data);
        writer.push_data(level, &data)
    };
    assert!(push(2, &|_| {}).is_ok());
    assert!(push(1, &|data| (data.start, data.end) = (1000, 2000)).is_ok());
    assert!(push(1, &|_| {}).is_err(), "overlap");
    assert!(push(0, &|_| {}).is_err(), "level 0 spans the clip");
    assert!(push(8, &|_| {}).is_err());
    assert!(push(2, &|data| data.end = 3001).is_err());
    assert!(push(2, &|data| data.planes[0].truncate(3)).is_err());
    assert!(push(2, &|data| data.clusters.clear()).is_err());
    let bad = WriterOptions { metadata: "{".to_owned(), ..WriterOptions::default() };
    assert!(Writer::in_memory(&performance.info, &bad).is_err());
}
