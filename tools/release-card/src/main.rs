//! Rewrites the card of a released folder, which is that of the whole run, to list only the tables beside it:
//! `release-card FOLDER`, as `make release-pocket` calls it.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_report::card_with_tables;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("which folder? release-card FOLDER")?;
    rewrite(&folder)
}

/// Drops the tables from `README.md` whose files do not lie in `tables/`.
fn rewrite(folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("README.md");
    let card = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let tables = folder.join("tables");
    let released =
        |name: &str| tables.join(format!("{name}.parquet")).is_file() || tables.join(name).is_dir();
    fs::write(&path, card_with_tables(&card, released))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_lists_the_tables_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let config = |name: &str| format!("- config_name: \"{name}\"\n  data_files:\n  - split: train\n");
        let names = ["one", "many", "none"];
        let configs = names.map(config).concat();
        let sections = names.map(|name| format!("### `{name}`\n\nText.\n\n")).concat();
        let card = format!("---\nconfigs:\n{configs}---\n\n# A\n\n## Tables\n\n{sections}## Limits\n");
        fs::write(folder.path().join("README.md"), card).unwrap();
        fs::create_dir_all(folder.path().join("tables/many")).unwrap();
        fs::write(folder.path().join("tables/one.parquet"), "").unwrap();
        rewrite(folder.path()).unwrap();
        let card = fs::read_to_string(folder.path().join("README.md")).unwrap();
        for name in names {
            let listed = card.contains(&config(name)) && card.contains(&format!("### `{name}`"));
            assert_eq!(listed, name != "none", "{name}: {card}");
        }
        assert!(!card.contains("none") && card.ends_with("## Limits\n"), "{card}");
    }

    #[test]
    fn a_folder_without_a_card_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(rewrite(folder.path()).unwrap_err().to_string().contains("README.md"));
    }
}
