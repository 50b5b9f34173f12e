//! The base of all recipes: a small Debian 13, made by mmdebstrap on this machine and imported.
//!
//! It carries this machine's certificates and proxy settings, so that apt and pip work inside builds
//! also behind a proxy that inspects TLS.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::ImageError;
use super::reference::Reference;

/// What making the base needs to know of this machine.
#[derive(Debug, Clone)]
pub struct BaseSettings {
    /// A Debian mirror.
    pub mirror: String,
    /// The machine's bundle of certificates, if it has one.
    pub certificates: Option<PathBuf>,
    /// Value of `http_proxy`/`https_proxy`, if set.
    pub proxy: Option<String>,
}

/// The name of the base.
pub fn reference() -> Reference {
    Reference::local("base", "trixie")
}

/// Says how a base is made; one that was made otherwise is made anew.
pub const MADE_AS: &str = "base-2";

const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// apt's settings: packages that were installed and indices that are made in no time have no place in a layer.
/// Source: apt.conf(5), "Dir::Cache" and "APT::Keep-Downloaded-Packages"; Debian's own images set the same.
const SMALL: &str = "APT::Keep-Downloaded-Packages \"false\";\n\
    Dir::Cache::pkgcache \"\";\n\
    Dir::Cache::srcpkgcache \"\";\n";

/// What the image's configuration gets: pip and Python's own clients do not read the system's bundle by themselves.
pub fn changes() -> Vec<String> {
    vec![
        format!("ENV PIP_CERT={BUNDLE} SSL_CERT_FILE={BUNDLE} REQUESTS_CA_BUNDLE={BUNDLE}"),
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
        format!("LABEL {}={MADE_AS}", super::DIGEST),
    ]
}

/// Runs mmdebstrap and leaves a tar of the root file system in `folder`.
///
/// # Errors
/// mmdebstrap is not installed, or it failed (its last lines are in the error).
pub async fn make(settings: &BaseSettings, folder: &Path) -> Result<PathBuf, ImageError> {
    let tar = folder.join("base.tar");
    let extra = folder.join("extra");
    prepare(settings, &extra).map_err(|error| ImageError::File { path: extra.clone(), message: error.to_string() })?;
    let copy = format!("copy-in {0}/usr {0}/etc /", extra.display());
    let bundle = format!("cp {}/bundle.crt \"$1{BUNDLE}\"", extra.display());
    let mut command = tokio::process::Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--include=ca-certificates", "--customize-hook", &copy]);
    // Made before the settings were there.
    command.args(["--customize-hook", "rm -f \"$1\"/var/cache/apt/*.bin"]);
    if settings.certificates.is_some() {
        command.args(["--customize-hook", &bundle]);
    }
    command.arg("trixie").arg(&tar).arg(&settings.mirror).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ImageError::MissingTools {
            packages: "the program mmdebstrap".into(),
            remedy: "run `labrunner doctor --fix`, or `apt-get install mmdebstrap`".into(),
        },
        _ => ImageError::Engine(format!("mmdebstrap cannot be run: {error}")),
    })?;
    if output.status.success() {
        return Ok(tar);
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let log = lines[lines.len().saturating_sub(15)..].join("\n");
    Err(ImageError::Build {
        image: reference().to_string(),
        message: format!("mmdebstrap ended with {}", output.status),
        log,
    })
}

/// Lays out the files that go into the base on top of Debian's own.
fn prepare(settings: &BaseSettings, extra: &Path) -> std::io::Result<()> {
    let certificates = extra.join("usr/local/share/ca-certificates/host");
    let apt = extra.join("etc/apt/apt.conf.d");
    std::fs::create_dir_all(&certificates)?;
    std::fs::create_dir_all(&apt)?;
    if let Some(bundle) = &settings.certificates {
        let text = std::fs::read_to_string(bundle)?;
        // One file each, or the next run of update-ca-certificates would leave them out.
        for (index, one) in text.split_inclusive("-----END CERTIFICATE-----").enumerate() {
            if let Some(start) = one.find("-----BEGIN CERTIFICATE-----") {
                std::fs::write(certificates.join(format!("{index:04}.crt")), format!("{}\n", &one[start..]))?;
            }
        }
        std::fs::write(extra.join("bundle.crt"), text)?;
    }
    std::fs::write(apt.join("80labrunner-small"), SMALL)?;
    if let Some(proxy) = &settings.proxy {
        let text = format!("Acquire::http::Proxy \"{proxy}\";\nAcquire::https::Proxy \"{proxy}\";\n");
        std::fs::write(apt.join("80labrunner-proxy"), text)?;
        std::fs::write(extra.join("etc/pip.conf"), format!("[global]\nproxy = {proxy}\n"))?;
    }
    Ok(())
}
