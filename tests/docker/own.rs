//! Learners' own Compose files: brought up as they are written, in environments that are gone afterwards.

use crate::kinds::{judged, says};
use crate::support::{LabEnv, docker};

#[test]
fn own_compose_files_are_judged_as_their_names_say() {
    let lab = LabEnv::of("own", "own");
    let goals = judged(&lab, "own");
    let said = |name: &str, words: &str| says(&goals, name, words);
    said("wrong-fails", "wrong.yaml:4: `server` depends on `nobody`");
    said("missing-fails", "there is no file `none.yaml`");
    said("unnamed-fails", "your Compose file has no service `web`; there are server, sick");
    said("sick-fails", "its health check says that it is unhealthy");
    said("unasked-fails", "it has no health check");
    said("far-undecided", "example.invalid/nothing-like-it");
    said("mighty-undecided", "privileged");
    said("outside-undecided", "`/etc/hostname` of this machine is read");
    said("external-undecided", "`theirs` is external");
    said("workflow-wrong-fails", "wrong.yml: the job `deploy` needs `tests`, which is no job");
    said("image-fails", "/srv/page.txt");
    let left = docker(&["ps", "-aq", "--filter", "label=dev.labrunner.lab=own"]).out;
    let networks = docker(&["network", "ls", "-q", "--filter", "label=dev.labrunner.lab=own"]).out;
    let volumes = docker(&["volume", "ls", "-q", "--filter", "label=dev.labrunner.lab=own"]).out;
    let images = docker(&["images", "-q", "labrunner.local/labrunner-own-copy-*/*"]).out;
    assert_eq!((left.as_str(), networks.as_str(), volumes.as_str(), images.as_str()), ("", "", "", ""));
}
