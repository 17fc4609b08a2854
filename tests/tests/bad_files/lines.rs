//! The table of bad files: the exact line a user gets for each. Read it as a user would; change it with care.

/// What is said of each file, after its name.
pub(crate) const LINES: &[(&str, &str)] = &[
    ("empty.ply", "magic at byte 0: the file is empty; copy or export it again"),
    (
        "zip.ply",
        "magic at byte 0: a zip archive without anything that is known; 'vivant formats' lists what is read",
    ),
    ("gzip.ply", "magic at byte 0: gzip data that are no splats; 'vivant formats' lists what is read"),
    ("gltf.ply", "JSON chunk at byte 12: the file ends here; get a whole copy"),
    ("json.ply", "magic at byte 0: JSON text of no known format; 'vivant formats' lists what is read"),
    ("page.ply", "magic at byte 0: a web page or XML; 'vivant formats' lists what is read"),
    (
        "clip.ply",
        "magic at byte 0: a Vivant clip, which needs no conversion; 'vivant formats' lists what is read",
    ),
    ("noise.ply", "magic at byte 0: something unknown; 'vivant formats' lists what is read"),
    ("no_line.ply", "magic at byte 0: something unknown; 'vivant formats' lists what is read"),
    (
        "cut_in_header.ply",
        "header at byte 295: the file ends before end_header; it is cut off: copy or export it again",
    ),
    ("no_format.ply", "format at byte 32: the header has no format line; export it again"),
    (
        "odd_format.ply",
        "header at byte 4: unknown format 'binary_middle_endian'; export it as ascii, binary_little_endian \
         or binary_big_endian",
    ),
    (
        "no_vertex.ply",
        "element vertex at byte 124: the header has no element of that name; export the file as vertices",
    ),
    (
        "negative_count.ply",
        "header at byte 36: element vertex has the count '-1', which is no number of rows; export it again",
    ),
    (
        "count_beyond_u64.ply",
        "header at byte 36: element vertex has the count '99999999999999999999', which is no number of \
         rows; export it again",
    ),
    ("no_count.ply", "header at byte 36: an element needs a name and a count; export the file again"),
    ("odd_type.ply", "header at byte 53: unknown property type 'quad'; export the file again"),
    ("odd_list.ply", "header at byte 53: a list whose length is a fraction; export the file again"),
    ("nameless.ply", "header at byte 53: a property without a name; export the file again"),
    ("twice.ply", "header at byte 104: property x stands twice; export it again"),
    ("two_vertices.ply", "header at byte 104: element vertex stands twice; export the file again"),
    ("orphan.ply", "header at byte 21: a property before any element; export the file again"),
    ("odd_word.ply", "header at byte 21: unknown keyword 'vertices'; export the file again"),
    ("binary_header.ply", "header at byte 21: a line that is not text; export the file again"),
    ("long_line.ply", "header at byte 21: a line longer than 16384 bytes; export the file again"),
    ("endless_header.ply", "header at byte 262132: no end_header within 262144 bytes; export the file again"),
    ("many_elements.ply", "header at byte 907: more than 64 elements; export the file again"),
    ("many_properties.ply", "header at byte 20447: more than 1024 properties; export the file with fewer"),
    (
        "no_z.ply",
        "property z at byte 36: the vertices have no number of that name; export positions as x y z",
    ),
    (
        "x_is_a_list.ply",
        "property x at byte 36: the vertices have no number of that name; export positions as x y z",
    ),
    (
        "half_a_rotation.ply",
        "property rot_3 at byte 36: a rotation needs rot_0 to rot_3; export the file again",
    ),
    (
        "gap_in_rotation.ply",
        "property rot_1 at byte 36: missing although rot_3 is there; export the file again",
    ),
    (
        "no_scale_1.ply",
        "property scale_1 at byte 36: missing although scale_2 is there; export the file again",
    ),
    ("two_colours.ply", "property f_dc_2 at byte 36: a colour needs f_dc_0 to f_dc_2; export the file again"),
    (
        "ten_harmonics.ply",
        "property f_rest_* at byte 36: 10 of them; harmonics come as 9, 24 or 45 (degree 1, 2 or 3): export \
         it again",
    ),
    (
        "gap_in_harmonics.ply",
        "property f_rest_4 at byte 36: missing although f_rest_9 is there; export the file again",
    ),
    (
        "packed.ply",
        "element vertex, property packed_rotation at byte 73: is missing although the splats are packed; \
         export it again",
    ),
    ("no_splats.ply", "holds no splats; export it with them"),
    (
        "short_by_one.ply",
        "element vertex at byte 59: promises 100 rows of 248 bytes but only 24799 bytes follow; the file is \
         cut off or its header is wrong: copy or export it again",
    ),
    (
        "half.ply",
        "element vertex at byte 59: promises 100 rows of 248 bytes but only 11624 bytes follow; the file is \
         cut off or its header is wrong: copy or export it again",
    ),
    (
        "claims_billions.ply",
        "element vertex at byte 36: promises 4000000000 rows of 24 bytes but only 1000 bytes follow; the \
         file is cut off or its header is wrong: copy or export it again",
    ),
    (
        "claims_u64.ply",
        "element vertex at byte 36: promises 18446744073709551615 rows of 24 bytes but only 1000 bytes \
         follow; the file is cut off or its header is wrong: copy or export it again",
    ),
    (
        "junk_claims.ply",
        "element junk at byte 36: promises 9000000000 rows of at least 1 bytes but only 500 bytes follow; \
         the file is cut off or its header is wrong: copy or export it again",
    ),
    (
        "text_claims.ply",
        "element vertex at byte 44: promises 300000000 rows of at least 6 bytes but only 40 bytes follow; \
         the file is cut off or its header is wrong: copy or export it again",
    ),
    (
        "text_one_short.ply",
        "vertex 3 at byte 162: the file ends here although its header promises more; copy or export it \
         again",
    ),
    ("text_word.ply", "vertex 1, property y at byte 136: 'two' is no number; export the file again"),
    ("text_few.ply", "vertex 1, property z at byte 136: the line ends before it; export the file again"),
    ("text_many.ply", "vertex 1, property z at byte 136: the line goes on after it; export the file again"),
    ("text_blank.ply", "vertex 1, property x at byte 136: the line ends before it; export the file again"),
    ("text_binary.ply", "vertex 0, property x at byte 123: '�' is no number; export the file again"),
    ("text_one_line.ply", "body at byte 100: a line longer than 65536 bytes; export the file again"),
    (
        "list_beyond_end.ply",
        "face 0, property vertex_indices at byte 191: a list of 4294967295 numbers where 24 bytes are left; \
         export the file again",
    ),
    (
        "list_negative.ply",
        "face 0, property vertex_indices at byte 191: a list of -1 numbers where 24 bytes are left; export \
         the file again",
    ),
    (
        "all_nan.ply",
        "element vertex at byte 59: none of its 5 splats can be used (splat 0, mean: not finite); export \
         the file again",
    ),
    (
        "all_infinite.ply",
        "element vertex at byte 59: none of its 5 splats can be used (splat 0, colour: not finite); export \
         the file again",
    ),
    (
        "all_far.ply",
        "element vertex at byte 44: none of its 5 splats can be used (splat 0, mean: out of any range); \
         export the file again",
    ),
    (
        "all_huge.ply",
        "element vertex at byte 59: none of its 5 splats can be used (splat 0, scale: out of any range); \
         export the file again",
    ),
    (
        "no_rotations.ply",
        "element vertex at byte 59: none of its 5 splats can be used (splat 0, rotation: of length zero); \
         export the file again",
    ),
    (
        "zeros.ply",
        "element vertex at byte 36: none of its 1000 splats can be used (splat 0, rotation: of length \
         zero); export the file again",
    ),
];
