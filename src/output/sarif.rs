//! Findings for editors and CI, as SARIF. Source: OASIS Static Analysis Results Interchange Format 2.1.0.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::lab::view::{FindingRow, View};

/// What `lab lint` found as one SARIF document; `None` for any other answer.
pub fn sarif(view: &View) -> Option<String> {
    let View::Lint { findings, .. } = view else { return None };
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "labrunner",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_iter().map(|id| json!({ "id": id })).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    Some(format!("{document:#}\n"))
}

fn result(finding: &FindingRow) -> Value {
    let message = match &finding.hint {
        Some(hint) => format!("{}; {hint}", finding.message),
        None => finding.message.clone(),
    };
    let mut place = json!({ "artifactLocation": { "uri": finding.file.replace('\\', "/") } });
    if let Some(line) = finding.line {
        place["region"] = json!({ "startLine": line, "startColumn": finding.column, "endColumn": finding.end_column });
    }
    json!({
        "ruleId": finding.code,
        "level": finding.severity,
        "message": { "text": message },
        "locations": [{ "physicalLocation": place }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_its_place_and_its_remedy() {
        let finding = FindingRow {
            severity: "error".into(),
            code: "unknown-key".into(),
            file: "labs/x/lab.yaml".into(),
            line: Some(3),
            column: Some(1),
            end_column: Some(6),
            message: "a lab has no key `titel`".into(),
            hint: Some("did you mean `title`?".into()),
        };
        let view = View::Lint { labs: 1, errors: 1, warnings: 0, findings: vec![finding], text: String::new() };
        let document: Value = serde_json::from_str(&sarif(&view).unwrap()).unwrap();
        let result = &document["runs"][0]["results"][0];
        assert_eq!(result["level"], "error");
        assert_eq!(result["message"]["text"], "a lab has no key `titel`; did you mean `title`?");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
        assert_eq!(document["runs"][0]["tool"]["driver"]["rules"][0]["id"], "unknown-key");
        assert!(sarif(&View::Done { text: String::new() }).is_none());
    }
}
