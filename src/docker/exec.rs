//! Commands inside containers, one exec each.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::{DockerEngine, call, limit, translate};
use crate::environment::EngineError;
use crate::environment::engine::{CUT, ExecOutput, ExecRequest, LARGEST_OUTPUT};

impl DockerEngine {
    /// Starts a command and hands its streams over.
    pub(crate) async fn begin_exec(
        &self,
        id: &str,
        request: &ExecRequest,
        attach_stdin: bool,
    ) -> Result<(String, StartExecResults), EngineError> {
        let options = CreateExecOptions {
            attach_stdin: Some(attach_stdin),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(request.argv.clone()),
            user: request.user.clone(),
            working_dir: request.working_dir.clone(),
            env: Some(request.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            ..Default::default()
        };
        let operation = || format!("run a command in container {}", &id[..id.len().min(12)]);
        let created = call(operation(), limit::LOOK, self.docker.create_exec(id, options)).await?;
        let started = call(operation(), limit::START, self.docker.start_exec(&created.id, None)).await?;
        Ok((created.id, started))
    }

    pub(super) async fn run_exec(&self, id: &str, request: &ExecRequest) -> Result<ExecOutput, EngineError> {
        let (exec, started) = self.begin_exec(id, request, request.stdin.is_some()).await?;
        let mut result = ExecOutput { code: -1, stdout: Vec::new(), stderr: Vec::new() };
        if let StartExecResults::Attached { mut output, mut input } = started {
            let write = async {
                if let Some(bytes) = &request.stdin {
                    // A command that ends without reading its input closes the pipe; its exit code tells.
                    let _ = input.write_all(bytes).await;
                }
                let _ = input.shutdown().await;
            };
            let read = async {
                while let Some(piece) = output.next().await {
                    match piece.map_err(|error| translate("read a command's output".into(), &error))? {
                        LogOutput::StdErr { message } => keep(&mut result.stderr, &message, request.whole),
                        LogOutput::StdOut { message } | LogOutput::Console { message } => {
                            keep(&mut result.stdout, &message, request.whole);
                        }
                        LogOutput::StdIn { .. } => {}
                    }
                }
                Ok::<(), EngineError>(())
            };
            let ((), read) = tokio::join!(write, read);
            read?;
        }
        // The exit code is final once the output has ended.
        let state = call("read a command's exit code", limit::LOOK, self.docker.inspect_exec(&exec)).await?;
        result.code = state.exit_code.unwrap_or(-1);
        Ok(result)
    }
}

/// Adds a piece of output, as far as there is room for it.
fn keep(kept: &mut Vec<u8>, piece: &[u8], whole: bool) {
    if whole {
        kept.extend_from_slice(piece);
    } else if kept.len() < LARGEST_OUTPUT {
        kept.extend_from_slice(&piece[..piece.len().min(LARGEST_OUTPUT - kept.len())]);
        if kept.len() == LARGEST_OUTPUT {
            kept.extend_from_slice(CUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_without_end_is_kept_up_to_a_size() {
        let (mut kept, piece) = (Vec::new(), vec![b'y'; 1 << 20]);
        (0..40).for_each(|_| keep(&mut kept, &piece, false));
        assert_eq!(kept.len(), LARGEST_OUTPUT + CUT.len());
        keep(&mut kept, &piece, true);
        assert_eq!(kept.len(), LARGEST_OUTPUT + CUT.len() + piece.len());
    }
}
