//! What a configuration depends on besides its own text: other files, and the process that runs it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{ComponentSource, Config, Dnssec, Mistake, Roots};

impl Config {
    /// Every file that it names: when one of them changes, the same text means something else.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.inside.authority.certificate.clone(), self.inside.authority.key.clone()];
        if let Roots::File(roots) = &self.outside.roots {
            files.push(roots.clone());
        }
        if let Dnssec::Validate(Some(anchors)) = &self.outside.dnssec {
            files.push(anchors.clone());
        }
        for domain in &self.domains {
            files.extend([domain.certificate.certificate.clone(), domain.certificate.key.clone()]);
            files.extend(domain.server_certificate.clone());
        }
        for filter in self.chains.inbound.iter().chain(&self.chains.outbound) {
            if let ComponentSource::Path(path) = &filter.component {
                files.push(path.clone());
            }
            files.extend(filter.settings_files.iter().cloned());
        }
        files.extend(self.list_files.iter().cloned());
        files.extend(self.admin.http.as_ref().map(|http| http.token_file.clone()));
        files.sort();
        files.dedup();
        files
    }

    fn admin_http(&self) -> Option<SocketAddr> {
        self.admin.http.as_ref().map(|http| http.listen)
    }

    fn inside_dns(&self) -> Option<SocketAddr> {
        self.inside.dns.as_ref().map(|dns| dns.listen)
    }

    fn admin_socket(&self) -> Option<PathBuf> {
        self.admin.socket.as_deref().map(absolute)
    }

    fn state_directory(&self) -> Option<PathBuf> {
        self.state.directory.as_deref().map(absolute)
    }

    /// What differs from `running` and cannot be had without a restart: sockets are bound once.
    pub fn needs_restart_after(&self, running: &Config) -> Vec<Mistake> {
        let fixed = [
            ("outside.listen", self.outside.listen == running.outside.listen),
            ("outside.listen-tls", self.outside.listen_tls == running.outside.listen_tls),
            ("inside.listen", self.inside.listen == running.inside.listen),
            ("inside.dns.listen", self.inside_dns() == running.inside_dns()),
            ("admin.socket", self.admin_socket() == running.admin_socket()),
            ("admin.http", self.admin_http() == running.admin_http()),
            ("state.directory", self.state_directory() == running.state_directory()),
        ];
        let changed = fixed.iter().filter(|(_, same)| !same);
        let problem = "cannot change while Refrain runs: it needs a restart";
        changed.map(|(key, _)| self.places.mistake(key, problem, "change it back, or restart")).collect()
    }
}

/// Written from another folder, the path of the same file is another text.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components().collect()
}
