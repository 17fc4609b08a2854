//! Properties of a PLY that are no part of a splat become channels, in every encoding, with all their bits.

use vivant::channel::{Channel, ChannelKind, ChannelValue};
use vivant_convert::{Axes, Channels, Options, ply};

use super::ply_sheet::{ENCODINGS, Table, gaussians, write};

fn table() -> Table {
    let ids: Vec<f64> = (0..40).map(|row| 4_294_967_295.0 - f64::from(row)).collect();
    let parts: Vec<f64> = (0..40).map(|row| f64::from(row % 4) - 1.0).collect();
    let trust: Vec<f64> = (0..40).map(|row| f64::from(row) * 0.25).collect();
    gaussians(40, 0, 3)
        .with("uint", "sam", &ids)
        .with("char", "part", &parts)
        .with("double", "trust", &trust)
        .with_each("uchar", &["red", "green", "blue"], |_, _| 255.0)
}

fn options(channels: &str) -> Options {
    Options { axes: Some(Axes::RUB), channels: channels.parse().unwrap(), ..Options::default() }
}

#[test]
fn integers_become_labels_and_floats_numbers() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in ENCODINGS {
        let path = folder.path().join(format!("{encoding}.ply"));
        // Something before and something behind, and a splat that is dropped: its labels go with it.
        let before = Table::new("camera", 3).with("double", "fx", &[1.0, 2.0, 3.0]);
        let mut vertex = table();
        if let super::ply_sheet::Column::Number(_, name, values) = &mut vertex.columns[0] {
            assert_eq!(name, "x");
            values[7] = f64::INFINITY;
        }
        write(&path, encoding, &[before, vertex]);
        let imported = ply::read(&path, &options("all")).unwrap();
        let channels = &imported.splats.channels;
        let names: Vec<(&str, ChannelKind)> =
            channels.iter().map(|channel| (channel.name.as_str(), channel.kind)).collect();
        let wanted =
            [("sam", ChannelKind::Label), ("part", ChannelKind::Label), ("trust", ChannelKind::Number)];
        assert_eq!(names, wanted, "{encoding}");
        assert_eq!((imported.splats.len(), channels[0].words.len()), (39, 39));
        assert_eq!(channels[0].value(6), Some(ChannelValue::Label(4_294_967_289)));
        assert_eq!(channels[0].value(7), Some(ChannelValue::Label(4_294_967_287)), "the eighth is gone");
        assert_eq!(channels[1].value(0), Some(ChannelValue::Label(u32::MAX)), "-1 keeps its bits");
        assert_eq!(channels[2].value(38), Some(ChannelValue::Number(9.75)));
        let notes = imported.report.notes.join("\n");
        assert!(notes.contains("channels kept: sam (label) part (label) trust (number)"), "{notes}");
        assert!(notes.contains("properties not used: red green blue"), "{notes}");
    }
}

#[test]
fn the_user_chooses_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ply");
    write(&path, ENCODINGS[0], &[table()]);
    let none = ply::read(&path, &options("none")).unwrap();
    assert!(none.splats.channels.is_empty());
    assert!(none.report.notes.iter().any(|note| note.starts_with("properties not used: sam part trust")));
    let named = ply::read(&path, &options("red, trust")).unwrap().splats.channels;
    assert_eq!(named.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["trust", "red"]);
    for wrong in ["", "a,,b", "a,b,c,d,e,f,g,h,i"] {
        assert!(wrong.parse::<Channels>().is_err(), "{wrong:?}");
    }
    // More than there is room for: the first eight, and the others are told.
    let many =
        gaussians(5, 0, 1).with_each("float", &["a", "b1", "c", "d", "e", "f", "g1", "h", "i"], |_, _| 1.0);
    write(&path, ENCODINGS[2], &[many]);
    let many = ply::read(&path, &options("all")).unwrap();
    assert_eq!(many.splats.channels.len(), 8);
    assert!(many.report.notes.contains(&"properties not used: i".to_owned()), "{:?}", many.report.notes);
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.ply"), folder.path().join("b.ply"));
    write(&first, ENCODINGS[1], &[table()]);
    let splats = ply::read(&first, &options("all")).unwrap().splats;
    ply::write_splats(&second, &splats, Axes::RUB).unwrap();
    let again = ply::read(&second, &options("all")).unwrap().splats;
    assert_eq!(again.channels, splats.channels);
    let other = Channel::labels("part", vec![0; 40]);
    assert_ne!(again.channels[1], other);
}

#[test]
fn rows_with_lists_keep_their_splats_and_say_what_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ply");
    let lists = (0..40).map(|row| vec![1.0; row % 3]).collect();
    write(&path, ENCODINGS[0], &[table().with_list("uchar", "int", "seen_by", lists)]);
    let imported = ply::read(&path, &options("all")).unwrap();
    assert_eq!((imported.splats.len(), imported.splats.channels.len()), (40, 0));
    let notes = imported.report.notes.join("\n");
    assert!(notes.contains("properties not used: sam part trust"), "{notes}");
}
