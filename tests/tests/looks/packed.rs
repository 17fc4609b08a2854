//! Harmonics that look at where splats rest, through every profile: the file must keep each splat's t0, also of those
//! that no envelope binds to it and whose planes count from the middle of their windows.

use vivant::clip::{Clip, Profile, WriterOptions};
use vivant::codec::performance_to_bytes;
use vivant::splat::{Appearance, ShOrigin};
use vivant_tests::stage::{Order, distance, reference_of};

use super::{PLAIN, ball, on_stage, views};

#[test]
fn every_profile_keeps_where_splats_rest() {
    on_stage(|stage| {
        let mut performance = ball(5000);
        performance.info.appearance = Appearance { sh_origin: ShOrigin::Rest, ..PLAIN };
        // Turns that the packed planes hold.
        performance.splats.motion.iter_mut().for_each(|motion| motion.spin = [0.0; 4]);
        let endless = performance.splats.life.iter().filter(|life| life.sigma_t.is_infinite()).count();
        assert!(endless > 1000, "{endless} splats without an envelope");
        let views = views(1.2);
        for (profile, promise) in [(Profile::Raw, 45.0), (Profile::Local, 43.0), (Profile::Network, 38.0)] {
            let options = WriterOptions { profile, ..WriterOptions::default() };
            let (bytes, _) = performance_to_bytes(&performance, &options).unwrap();
            let mut clip = Clip::from_bytes("rest.vvt", bytes).unwrap();
            let mut best = 0.0_f64;
            for seconds in [0.4, 1.3] {
                let wanted = reference_of(&performance, seconds, &views, 256, Order::Head);
                let found = distance(&stage.draw(&clip, seconds, &views, 256), &wanted);
                eprintln!("{profile:?} at {seconds} s: {:.1} dB", found.psnr);
                best = best.max(found.psnr);
                assert!(found.psnr >= promise, "{profile:?} at {seconds} s: {:.1} dB", found.psnr);
            }
            let wanted = reference_of(&performance, 1.3, &views, 256, Order::Head);
            clip.set_appearance(PLAIN);
            let moving = distance(&stage.draw(&clip, 1.3, &views, 256), &wanted);
            assert!(moving.psnr < best - 3.0, "{profile:?}: moving passes for rest: {:.1} dB", moving.psnr);
        }
    });
}
