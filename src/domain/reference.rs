//! How a reference of a procedure is shown where its value is not known yet.

/// A text with each reference in angle brackets: `{{run.id}}` is `<run id>`, `{{saved:2/before.image|ident}}` is `<before.image>`,
/// `{{unit}}` is `<unit>`. Braces that hold no reference stay as they are.
#[must_use]
pub fn show(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{") {
        out.push_str(before);
        let found = from.split_once("}}").and_then(|(inside, behind)| Some((name(inside)?, behind)));
        match found {
            Some((name, behind)) => {
                out.push_str(&format!("<{name}>"));
                rest = behind;
            }
            None => {
                out.push_str("{{");
                rest = from;
            }
        }
    }
    out + rest
}

/// What a reader calls the reference between two braces; `None` where it is none.
fn name(inside: &str) -> Option<String> {
    let unquoted = inside.split_once('|').map_or(inside, |(name, _)| name).trim();
    let saved = unquoted.strip_prefix("saved:");
    // The number before a slash says which included procedure saved it.
    let scope = saved.and_then(|saved| saved.split_once('/'));
    let scope = scope.filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let name = scope.map_or(saved.unwrap_or(unquoted), |(_, name)| name);
    let (plain, index) = name.split_once('[').map_or((name, None), |(plain, index)| (plain, Some(index)));
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
    let is_name = plain.starts_with(|c: char| c.is_ascii_lowercase()) && plain.chars().all(is_part);
    let is_index = index.is_none_or(|index| index.contains(']') && !index.contains(['{', '}']));
    (is_name && is_index).then(|| match name {
        "run.id" => "run id".to_owned(),
        "run.dir" => "run directory".to_owned(),
        name => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn a_reference_is_shown_by_its_name() {
        for (held, shown) in [
            ("set the flag to {{run.id}}", "set the flag to <run id>"),
            ("{{run.dir}}/db.dump", "<run directory>/db.dump"),
            ("CREATE {{saved:source.encoding|literal}} {{run.id|ident}}", "CREATE <source.encoding> <run id>"),
            ("{{saved:2/before.image}}/{{saved:12/was}}", "<before.image>/<was>"),
            ("the host is: {{saved:host}}.", "the host is: <host>."),
            ("{{saved:2/before[a.b].n}} > 0", "<before[a.b].n> > 0"),
            ("Vacuum {{schema}}.{{ table }}", "Vacuum <schema>.<table>"),
            ("{{server.run_id}}", "<server.run_id>"),
            ("docker ps --format {{.Names}}", "docker ps --format {{.Names}}"),
            ("{{saved:/", "{{saved:/"),
            ("{{}} {{ {{unit}}", "{{}} {{ <unit>"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(show(held), shown);
        }
    }
}
