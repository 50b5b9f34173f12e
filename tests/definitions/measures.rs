//! Which labs find something else on a busy machine, and are proven one environment at a time.

use labrunner::catalog::read::{Variables, read_lab};

/// The good lab with this in place of the step that looks at a file.
fn measures(step: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let yaml = super::GOOD.replace(
        "          - file: { path: a.txt }\n            expect: { text: { contains: two } }",
        &format!("          - {step}"),
    );
    super::lay_out(folder.path(), yaml.as_bytes());
    let reading = read_lab(&folder.path().canonicalize().unwrap().join("labs/lab"), &Variables::default());
    let findings: Vec<&String> = reading.findings.iter().map(|one| &one.message).collect();
    reading.lab.unwrap_or_else(|| panic!("{findings:?}")).measures()
}

#[test]
fn a_lab_measures_when_a_step_takes_the_time_or_loads_a_service() {
    let page = r#"http: { url: "http://web:8000/" }, expect: { status: 200 }"#;
    assert!(!measures(&format!("{{ {page}, capture: {{ code: status }} }}")));
    assert!(measures(&format!("{{ {page}, capture: {{ took: duration }} }}")));
    let load = r#"{ load: { url: "http://web:8000/", rate: 2, duration: 1s }, expect: { errors: 0 } }"#;
    assert!(measures(load));
    // Inside of another step, too.
    assert!(measures(&format!("{{ each: {{ in: 1..2, as: n, steps: [{load}] }} }}")));
    assert!(measures(&format!("{{ {page}, meanwhile: [{load}] }}")));
}
