//! The two texts of a Self-Organizing-Gaussians folder: how each attribute was encoded, and between which ends. No I/O.
//!
//! `compression_config.yml` is what `PyYAML` dumps of a plain mapping: one `key: value` a line, attributes as a list of such.
//! That much is read; tags, anchors, flow collections and texts over several lines are not written there, and refused.
//! `compression_info.csv` is a table with a line an attribute: `,min,max,file`.

use std::collections::BTreeMap;

/// How one attribute is stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Attribute {
    /// `jpeg-xl`, `exr`, `png` or `npz`.
    pub(super) method: String,
    /// Whether values were brought to 0..1.
    pub(super) normalize: bool,
    /// Whether sign·log1p was taken before.
    pub(super) contract: bool,
    /// The ends of what was brought to 0..1.
    pub(super) ends: Option<[f64; 2]>,
    /// Its file.
    pub(super) file: String,
}

/// What the two texts say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Config {
    /// Attributes by name, such as `_xyz`.
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// Whether positions are as they are, and not sign·log1p of themselves.
    pub(super) plain_positions: bool,
}

/// What is wrong: line from 1, and why.
pub(super) type Fault = (usize, String);

/// Reads the configuration.
pub(super) fn parse_config(text: &str) -> Result<Config, Fault> {
    let mut config = Config::default();
    let mut items: Vec<BTreeMap<&str, &str>> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let fault = |why: &str| (number + 1, why.to_owned());
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') || content == "---" {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let (item, pair) = match content.strip_prefix("- ") {
            Some(pair) => (true, pair.trim_start()),
            None => (false, content),
        };
        let (key, value) = pair.split_once(':').ok_or_else(|| fault("is no 'key: value'"))?;
        let value = value.trim().trim_matches(['\'', '"']);
        if value.starts_with(['!', '&', '*', '|', '>', '[']) {
            return Err(fault("is not plain; save the mapping as plain values"));
        }
        if indent == 0 && !item {
            inside = key == "attributes";
            if key == "disable_xyz_log_activation" {
                config.plain_positions = truth(value).ok_or_else(|| fault("is neither true nor false"))?;
            }
        } else if inside && item {
            items.push(BTreeMap::from([(key, value)]));
        } else if inside && indent <= 4 {
            // What is indented further belongs to `params`, which only the encoder needs. A name given there is none.
            let last = items.last_mut().ok_or_else(|| fault("belongs to no attribute"))?;
            last.entry(key).or_insert(value);
        }
    }
    for item in &items {
        let said = |key: &str| item.get(key).copied().unwrap_or_default();
        let flag = |key: &str| truth(said(key)).unwrap_or(false);
        let attribute = Attribute {
            method: said("method").to_owned(),
            normalize: flag("normalize"),
            contract: flag("contract"),
            ..Attribute::default()
        };
        config.attributes.insert(said("name").to_owned(), attribute);
    }
    if config.attributes.is_empty() {
        return Err((1, "has no attributes".to_owned()));
    }
    Ok(config)
}

fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" => Some(true),
        "false" | "False" | "" | "null" => Some(false),
        _ => None,
    }
}

/// Adds files and ends to the attributes.
pub(super) fn parse_info(text: &str, config: &mut Config) -> Result<(), Fault> {
    let mut lines = text.lines().enumerate();
    let header: Vec<&str> = lines.next().map_or("", |(_, line)| line).split(',').map(str::trim).collect();
    let column = |name: &str| {
        let at = header.iter().position(|own| *own == name);
        at.ok_or_else(|| (1, format!("has no column '{name}'")))
    };
    let [low, high, file] = [column("min")?, column("max")?, column("file")?];
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fault = |why: &str| (number + 1, why.to_owned());
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let cell = |at: usize| cells.get(at).copied().ok_or_else(|| fault("has too few cells"));
        let Some(attribute) = config.attributes.get_mut(cell(0)?) else { continue };
        cell(file)?.clone_into(&mut attribute.file);
        let end = |at: usize| match cell(at)? {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Some(value)),
                _ => Err(fault("holds what is no number")),
            },
        };
        attribute.ends = end(low)?.zip(end(high)?).map(|(low, high)| [low, high]);
        if attribute.normalize && attribute.ends.is_none() {
            return Err(fault("lacks the ends of its values"));
        }
    }
    match config.attributes.iter().find(|(_, attribute)| attribute.file.is_empty()) {
        Some((name, _)) => Err((1, format!("has no line for {name}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "active_sh_degree: 3\nattributes:\n- method: jpeg-xl\n  name: _xyz\n  normalize: true\n  params:\n    \
                          level: 101\n    name: _trap\n  quantize: 14\n- contract: true\n  method: exr\n  name: _scaling\n  \
                          params: null\ndisable_xyz_log_activation: true\nmax_sh_degree: 3\nname: jxl_quant\n";
    const INFO: &str = ",min,max,file\n_xyz,-1.5,2e1,_xyz.jxl\n_scaling,,,_scaling.exr\n";

    #[test]
    fn what_the_writer_dumps_is_read() {
        let mut config = parse_config(CONFIG).unwrap();
        parse_info(INFO, &mut config).unwrap();
        assert!(config.plain_positions);
        let names: Vec<&String> = config.attributes.keys().collect();
        assert_eq!(names, ["_scaling", "_xyz"]);
        let xyz = &config.attributes["_xyz"];
        assert_eq!((xyz.method.as_str(), xyz.normalize, xyz.contract), ("jpeg-xl", true, false));
        assert_eq!((xyz.ends, xyz.file.as_str()), (Some([-1.5, 20.0]), "_xyz.jxl"));
        let scaling = &config.attributes["_scaling"];
        assert_eq!((scaling.contract, scaling.ends), (true, None));
    }

    #[test]
    fn what_it_never_dumps_is_refused_by_line() {
        for (text, line) in [
            ("attributes: !!python/object:x\n", 1),
            ("name: a\nthis is no mapping\n", 2),
            ("attributes:\n  name: _xyz\n", 2),
            ("disable_xyz_log_activation: maybe\n", 1),
            ("name: a\n", 1),
        ] {
            assert_eq!(parse_config(text).unwrap_err().0, line, "{text}");
        }
        let config = parse_config(CONFIG).unwrap();
        for (text, line) in [
            ("", 1),
            (",min,max,file\n_xyz,0,1,_xyz.jxl\n", 1),
            (",min,max,file\n_xyz,,,_xyz.jxl\n_scaling,,,a\n", 2),
            (",min,max,file\n_xyz,0,nan,_xyz.jxl\n_scaling,,,a\n", 2),
            (",min,max,file\n_xyz\n", 2),
        ] {
            assert_eq!(parse_info(text, &mut config.clone()).unwrap_err().0, line, "{text}");
        }
    }
}
