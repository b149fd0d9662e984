//! Settings as JSON in, the filter's own type or problems with key paths out.

use serde::de::DeserializeOwned;

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key it is about, such as `signatures[2].regex`; empty for the settings as a whole.
    pub path: String,
    /// What is wrong and what to write instead: `"10/x" is not a rate; write "10/s"`.
    pub message: String,
}

impl Problem {
    /// A problem with one key.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Problem { path: path.into(), message: message.into() }
    }

    /// The same problem, blamed on `path`.
    pub fn at(self, path: impl Into<String>) -> Self {
        Problem { path: path.into(), ..self }
    }
}

/// The settings of a filter that has none.
#[crate::settings]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoSettings {}

/// All mistakes in the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problem yet.
    pub fn new() -> Self {
        Problems::default()
    }

    /// Adds one.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Keeps the value of a success; notes the problem of a failure.
    pub fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// `value` if there is no problem, all problems otherwise.
    pub fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The problems in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(vec![problem])
    }
}

impl From<Problems> for Vec<crate::bindings::refrain::filter::types::Problem> {
    fn from(problems: Problems) -> Self {
        let to_wit = |Problem { path, message }| crate::bindings::refrain::filter::types::Problem { path, message };
        problems.0.into_iter().map(to_wit).collect()
    }
}

/// Reads the settings; the first mistake comes with the path of its key.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Problems> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = match error.path().to_string() {
            whole if whole == "." => String::new(),
            path => path,
        };
        Problem::new(path, message(error.inner())).into()
    })
}

/// serde_json names line and column of a text that the operator never wrote.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[allow(dead_code)]
        rules: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        size: u32,
    }

    fn problem(json: &str) -> Problem {
        parse::<Settings>(json).expect_err("must be refused").0.remove(0)
    }

    #[test]
    fn names_the_key_of_a_wrong_value() {
        let problem = problem(r#"{"rules":[{"size":1},{"size":"big"}]}"#);
        assert_eq!(problem.path, "rules[1].size");
        assert_eq!(problem.message, r#"invalid type: string "big", expected u32"#);
    }

    #[test]
    fn names_the_key_that_is_unknown() {
        let problem = problem(r#"{"rules":[{"sise":1}]}"#);
        assert_eq!(problem.path, "rules[0].sise");
        assert!(problem.message.contains("expected `size`"), "{}", problem.message);
    }

    #[test]
    fn blames_the_whole_when_a_key_is_missing() {
        assert_eq!(problem("{}"), Problem::new("", "missing field `rules`"));
    }
}
