//! Runs parsed templates: variables, control flow, calls, and where each printed byte came from.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::functions::{self, Function};
use super::parse::{self, Branch, Node, Operand, Parsed, Pipe};
use super::print;
use super::text::{Mark, Text, Trace};
use super::value::{Data, Map, Object, Value};

/// Actions, operands and loop turns of one rendering.
const MAX_STEPS: u64 = 4_000_000;
/// Bytes that all functions of one rendering may produce.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Bytes that all templates together may print.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;
/// Lists, pipelines and calls inside each other. The stack of [`super::STACK_BYTES`] holds several times as many.
const MAX_DEPTH: usize = 1_500;
/// Levels of values inside each other, where a function walks them.
pub(super) const MAX_VALUE_DEPTH: usize = 100;

/// Why a template stopped.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) reason: String,
    /// An index of the trace; 0 until the innermost action that fails fills it in.
    pub(super) place: u32,
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), place: 0 }
    }
}

pub(super) type Outcome<T = Value> = Result<T, Fault>;

/// A parsed text and where its bytes come from.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) parsed: Arc<Parsed>,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    File {
        path: Arc<str>,
        /// The offset of each line's first byte.
        lines: Vec<usize>,
    },
    /// A text that a template gave to `tpl`.
    Text(Text),
}

/// A definition of a unit; `None` is the unit's main body.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) unit: Rc<Unit>,
    pub(super) define: Option<usize>,
}

impl Body {
    fn nodes(&self) -> &[Node] {
        match self.define {
            None => &self.unit.parsed.main,
            Some(index) => self.unit.parsed.defines.get(index).map_or(&[], |(_, nodes)| nodes),
        }
    }
}

/// One call of a template.
struct Frame {
    unit: Rc<Unit>,
    variables: Vec<(Arc<str>, Value)>,
    /// The origin of the action that called.
    parent: u32,
}

enum Flow {
    Next,
    Break,
    Continue,
}

pub(super) struct Machine {
    pub(super) trace: Trace,
    /// Seconds since 1970 that `now` gives.
    pub(super) now: i64,
    defines: HashMap<Arc<str>, Body>,
    steps: u64,
    bytes: usize,
    printed: usize,
    depth: usize,
    /// The origin of the action that runs.
    here: u32,
    /// Maps that hold what a template put into them: they may hold themselves.
    touched: Vec<Map>,
    parsed: HashMap<Arc<str>, Arc<Parsed>>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        for map in &self.touched {
            map.clear();
        }
    }
}

impl Machine {
    pub(super) fn new(trace: Trace, now: i64) -> Self {
        Self {
            trace,
            now,
            defines: HashMap::new(),
            steps: 0,
            bytes: 0,
            printed: 0,
            depth: 0,
            here: 0,
            touched: Vec::new(),
            parsed: HashMap::new(),
        }
    }

    /// Makes a unit's definitions known; later ones replace earlier ones, unless they are empty.
    pub(super) fn define(&mut self, unit: &Rc<Unit>) -> Vec<(Arc<str>, Option<Body>)> {
        let mut replaced = Vec::new();
        for (index, (name, nodes)) in unit.parsed.defines.iter().enumerate() {
            if self.defines.contains_key(name) && parse::is_empty(nodes, &unit.parsed.text) {
                continue;
            }
            let body = Body { unit: Rc::clone(unit), define: Some(index) };
            replaced.push((Arc::clone(name), self.defines.insert(Arc::clone(name), body)));
        }
        replaced
    }

    /// Makes a file's own body known under its name.
    pub(super) fn define_main(&mut self, name: &str, unit: &Rc<Unit>) {
        if self.defines.contains_key(name) && parse::is_empty(&unit.parsed.main, &unit.parsed.text) {
            return;
        }
        self.defines.insert(name.into(), Body { unit: Rc::clone(unit), define: None });
    }

    /// Runs one file with its top-level values.
    pub(super) fn run(&mut self, unit: &Rc<Unit>, dot: &Value) -> Outcome<Text> {
        let mut out = Text::default();
        self.depth = 0;
        self.here = 0;
        self.call(&Body { unit: Rc::clone(unit), define: None }, dot, &mut out)?;
        self.printed += out.len();
        Ok(out)
    }

    pub(super) fn charge(&mut self, bytes: usize) -> Outcome<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_BYTES {
            return Err(Fault::new(format!("templates produce more than {MAX_BYTES} bytes")));
        }
        Ok(())
    }

    /// Asks before something is built that would be refused afterwards.
    pub(super) fn afford(&mut self, count: usize, bytes_each: usize) -> Outcome<()> {
        self.charge(count.saturating_mul(bytes_each))
    }

    fn step(&mut self) -> Outcome<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Fault::new(format!("templates take more than {MAX_STEPS} steps")));
        }
        Ok(())
    }

    fn deeper(&mut self) -> Outcome<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(format!("templates call each other more than {MAX_DEPTH} levels deep")));
        }
        Ok(())
    }

    /// Remembers that a template put a value into a map.
    pub(super) fn touch(&mut self, map: &Map, value: &Value) {
        if matches!(value.data, Data::List(_) | Data::Map(_)) && !self.touched.last().is_some_and(|last| last.is(map)) {
            self.touched.push(map.clone());
        }
    }

    /// The place of a byte of a unit.
    fn place_at(&mut self, unit: &Unit, at: usize, parent: u32) -> u32 {
        match &unit.source {
            Source::File { path, lines } => {
                let line = lines.partition_point(|start| *start <= at);
                let start = line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or(0);
                let column = unit.parsed.text.get(start..at).map_or(0, |before| before.chars().count());
                let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
                self.trace.line_place(path, number(line), number(column + 1))
            }
            Source::Text(text) => {
                let mark = text.mark_at(at);
                if mark.value != 0 {
                    mark.value
                } else if mark.origin != 0 {
                    self.trace.origin_place(mark.origin)
                } else {
                    self.trace.origin_place(parent)
                }
            }
        }
    }

    fn origin_at(&mut self, frame: &Frame, at: usize) -> u32 {
        let unit = Rc::clone(&frame.unit);
        let place = self.place_at(&unit, at, frame.parent);
        self.trace.origin(place, frame.parent)
    }

    fn call(&mut self, body: &Body, dot: &Value, out: &mut Text) -> Outcome<()> {
        self.deeper()?;
        let parent = self.here;
        let mut frame = Frame { unit: Rc::clone(&body.unit), variables: vec![("".into(), dot.clone())], parent };
        let result = self.walk(&mut frame, body.nodes(), dot, out);
        self.here = parent;
        self.depth -= 1;
        result.map(|_| ())
    }

    /// `template`, and the part of `include` that runs it.
    pub(super) fn call_named(&mut self, name: &str, dot: &Value, out: &mut Text) -> Outcome<()> {
        let Some(body) = self.defines.get(name).cloned() else {
            return Err(Fault::new(format!("no template {name:?} associated with the chart")));
        };
        self.call(&body, dot, out)
    }

    pub(super) fn include(&mut self, name: &str, dot: &Value) -> Outcome {
        let mut out = Text::default();
        self.call_named(name, dot, &mut out)?;
        self.charge(out.len())?;
        Ok(Value::text(out))
    }

    /// Runs a text as a template; what it defines is known only inside it.
    pub(super) fn tpl(&mut self, text: &Text, dot: &Value) -> Outcome {
        if !text.as_str().contains("{{") {
            return Ok(Value::text(text.clone().without("<no value>")));
        }
        let parsed = if let Some(parsed) = self.parsed.get(text.as_str()) {
            Arc::clone(parsed)
        } else {
            self.charge(text.len().saturating_mul(32))?;
            let source: Arc<str> = text.as_str().into();
            let parsed = parse::parse(&source).map_err(|error| {
                let mark = text.mark_at(error.at);
                let place = if mark.value != 0 { mark.value } else { self.trace.origin_place(mark.origin) };
                Fault { place, ..Fault::new(format!("tpl: {}", error.reason)) }
            })?;
            let parsed = Arc::new(parsed);
            self.parsed.insert(source, Arc::clone(&parsed));
            parsed
        };
        self.charge(text.len())?;
        let unit = Rc::new(Unit { parsed, source: Source::Text(text.clone()) });
        let replaced = self.define(&unit);
        let mut out = Text::default();
        let result = self.call(&Body { unit, define: None }, dot, &mut out);
        for (name, body) in replaced.into_iter().rev() {
            match body {
                Some(body) => self.defines.insert(name, body),
                None => self.defines.remove(&name),
            };
        }
        result?;
        self.charge(out.len())?;
        Ok(Value::text(out.without("<no value>")))
    }

    fn walk(&mut self, frame: &mut Frame, nodes: &[Node], dot: &Value, out: &mut Text) -> Outcome<Flow> {
        self.deeper()?;
        let visible = frame.variables.len();
        let flow = self.walk_nodes(frame, nodes, dot, out);
        frame.variables.truncate(visible);
        self.depth -= 1;
        flow
    }

    fn walk_nodes(&mut self, frame: &mut Frame, nodes: &[Node], dot: &Value, out: &mut Text) -> Outcome<Flow> {
        for node in nodes {
            self.step()?;
            let flow = match node {
                Node::Text(range) => {
                    self.emit(frame, range, out).map_err(|fault| self.located(fault))?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.pipe(frame, pipe, dot)?;
                    if pipe.variables.is_empty() {
                        self.print(&value, out).map_err(|fault| self.located(fault))?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.branch(frame, branch, dot, out, false)?,
                Node::With(branch) => self.branch(frame, branch, dot, out, true)?,
                Node::Range(branch) => self.range(frame, branch, dot, out)?,
                Node::Template { name, argument, at } => {
                    let argument = match argument {
                        Some(pipe) => self.pipe(frame, pipe, dot)?,
                        None => Value::NIL,
                    };
                    self.here = self.origin_at(frame, *at);
                    self.call_named(name, &argument, out).map_err(|fault| self.located(fault))?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if self.printed.saturating_add(out.len()) > MAX_OUTPUT {
                return Err(self.located(Fault::new(format!("templates print more than {MAX_OUTPUT} bytes"))));
            }
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Prints literal text, line by line.
    fn emit(&mut self, frame: &Frame, range: &Range<usize>, out: &mut Text) -> Outcome<()> {
        let unit = Rc::clone(&frame.unit);
        match &unit.source {
            Source::File { .. } => {
                let mut at = range.start;
                for line in unit.parsed.text.get(range.clone()).unwrap_or_default().split_inclusive('\n') {
                    let blank = line.len() - line.trim_start().len();
                    let content = if blank == line.len() { 0 } else { blank };
                    let place = self.place_at(&unit, at + content, frame.parent);
                    let origin = self.trace.origin(place, frame.parent);
                    out.push(line, Mark { origin, value: 0 });
                    at += line.len();
                    self.step()?;
                }
            }
            Source::Text(text) => {
                let mut at = range.start;
                for (piece, mark) in text.pieces(range.clone()) {
                    let place = self.place_at(&unit, at, frame.parent);
                    let origin = self.trace.origin(place, frame.parent);
                    out.push(piece, Mark { origin, value: mark.value });
                    at += piece.len();
                    self.step()?;
                }
            }
        }
        Ok(())
    }

    fn print(&mut self, value: &Value, out: &mut Text) -> Outcome<()> {
        let here = Mark { origin: self.here, value: 0 };
        match &value.data {
            Data::Str(text) => out.append(text, here),
            Data::Nil => out.push("<no value>", here),
            _ => {
                let text = print::plain(value)?;
                self.charge(text.len())?;
                out.push(&text, Mark { origin: self.here, value: value.place });
            }
        }
        Ok(())
    }

    /// Adds the place of the running action to a fault that has none.
    fn located(&self, mut fault: Fault) -> Fault {
        if fault.place == 0 {
            fault.place = self.trace.origin_place(self.here);
        }
        fault
    }

    fn branch(&mut self, frame: &mut Frame, branch: &Branch, dot: &Value, out: &mut Text, with: bool) -> Outcome<Flow> {
        let visible = frame.variables.len();
        let value = self.pipe(frame, &branch.pipe, dot)?;
        let flow = if value.truth() {
            self.walk(frame, &branch.body, if with { &value } else { dot }, out)
        } else {
            self.walk(frame, &branch.otherwise, dot, out)
        };
        frame.variables.truncate(visible);
        flow
    }

    fn range(&mut self, frame: &mut Frame, branch: &Branch, dot: &Value, out: &mut Text) -> Outcome<Flow> {
        let visible = frame.variables.len();
        let value = self.pipe(frame, &branch.pipe, dot)?;
        let pairs: Vec<(Value, Value)> = match &value.data {
            Data::Nil => Vec::new(),
            Data::List(list) => {
                list.items.iter().enumerate().map(|(index, item)| (Value::size(index), item.clone())).collect()
            }
            Data::Map(map) => map
                .snapshot()
                .into_iter()
                .map(|(key, slot)| (Value::text(Text::marked(&*key, Mark::of_value(slot.key_place))), slot.value))
                .collect(),
            Data::Int(count) | Data::Int64(count) => {
                let count = usize::try_from(*count).unwrap_or(0);
                self.afford(count, size_of::<(Value, Value)>()).map_err(|fault| self.located(fault))?;
                (0..count).map(|index| (Value::size(index), Value::size(index))).collect()
            }
            Data::Object(object) => match object.as_ref() {
                Object::Files(files) => {
                    files.0.iter().map(|(name, (_, text))| (Value::str(name.as_str()), Value::str(&**text))).collect()
                }
                Object::ApiVersions(versions) => {
                    versions.iter().enumerate().map(|(i, version)| (Value::size(i), Value::str(version))).collect()
                }
                _ => return Err(self.located(Fault::new("range can't iterate over a struct"))),
            },
            _ => {
                let shown = print::plain(&value)?;
                return Err(self.located(Fault::new(format!("range can't iterate over {shown}"))));
            }
        };
        self.afford(pairs.len(), size_of::<(Value, Value)>()).map_err(|fault| self.located(fault))?;
        let mut flow = Flow::Next;
        if pairs.is_empty() {
            flow = self.walk(frame, &branch.otherwise, dot, out)?;
        }
        for (index, item) in pairs {
            self.step()?;
            match branch.pipe.variables.as_slice() {
                [] => (),
                [only] => Self::loop_variable(frame, &branch.pipe, only, 1, &item),
                [first, second, ..] => {
                    Self::loop_variable(frame, &branch.pipe, first, 2, &index);
                    Self::loop_variable(frame, &branch.pipe, second, 1, &item);
                }
            }
            match self.walk(frame, &branch.body, &item, out)? {
                Flow::Break => break,
                Flow::Next | Flow::Continue => (),
            }
        }
        frame.variables.truncate(visible);
        Ok(flow)
    }

    fn loop_variable(frame: &mut Frame, pipe: &Pipe, name: &Arc<str>, from_top: usize, value: &Value) {
        if pipe.declares {
            let index = frame.variables.len().wrapping_sub(from_top);
            if let Some((_, slot)) = frame.variables.get_mut(index) {
                *slot = value.clone();
            }
        } else {
            Self::assign(frame, name, value);
        }
    }

    fn assign(frame: &mut Frame, name: &Arc<str>, value: &Value) {
        if let Some((_, slot)) = frame.variables.iter_mut().rev().find(|(known, _)| known == name) {
            *slot = value.clone();
        }
    }

    fn pipe(&mut self, frame: &mut Frame, pipe: &Pipe, dot: &Value) -> Outcome {
        self.deeper().map_err(|fault| self.located(fault))?;
        self.here = self.origin_at(frame, pipe.at);
        let here = self.here;
        let mut value: Option<Value> = None;
        for command in &pipe.commands {
            let result = self.command(frame, command, dot, value.take());
            self.here = here;
            value = Some(result.map_err(|fault| self.located(fault))?);
        }
        self.depth -= 1;
        let value = value.unwrap_or_default();
        for name in &pipe.variables {
            if pipe.declares {
                frame.variables.push((Arc::clone(name), value.clone()));
            } else {
                Self::assign(frame, name, &value);
            }
        }
        Ok(value)
    }

    fn command(&mut self, frame: &mut Frame, command: &[Operand], dot: &Value, last: Option<Value>) -> Outcome {
        let Some((first, rest)) = command.split_first() else { return Ok(Value::NIL) };
        match first {
            Operand::Function(function) => self.function(frame, function, rest, dot, last),
            Operand::Field(names) => {
                let receiver = dot.clone();
                self.fields(frame, &receiver, names, rest, dot, last.as_ref())
            }
            Operand::Variable(name, names) if !names.is_empty() => {
                let receiver = Self::variable(frame, name);
                self.fields(frame, &receiver, names, rest, dot, last.as_ref())
            }
            Operand::Chain(operand, names) => {
                let receiver = self.operand(frame, operand, dot)?;
                self.fields(frame, &receiver, names, rest, dot, last.as_ref())
            }
            _ if !rest.is_empty() || last.is_some() => Err(Fault::new("can't give argument to non-function")),
            Operand::Nil => Err(Fault::new("nil is not a command")),
            _ => self.operand(frame, first, dot),
        }
    }

    fn variable(frame: &Frame, name: &Arc<str>) -> Value {
        frame
            .variables
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    fn operand(&mut self, frame: &mut Frame, operand: &Operand, dot: &Value) -> Outcome {
        self.step()?;
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Nil => Ok(Value::NIL),
            Operand::Bool(value) => Ok(Value::bool(*value)),
            Operand::Int(value) => Ok(Value::int(*value)),
            Operand::Float(value) => Ok(Value::float(*value)),
            Operand::Str(text) => Ok(Value::str(&**text)),
            Operand::Field(names) => {
                let receiver = dot.clone();
                self.fields(frame, &receiver, names, &[], dot, None)
            }
            Operand::Variable(name, names) => {
                let receiver = Self::variable(frame, name);
                self.fields(frame, &receiver, names, &[], dot, None)
            }
            Operand::Function(function) => self.function(frame, function, &[], dot, None),
            Operand::Pipe(pipe) => {
                let here = self.here;
                let visible = frame.variables.len();
                let value = self.pipe(frame, pipe, dot);
                frame.variables.truncate(visible);
                self.here = here;
                value
            }
            Operand::Chain(operand, names) => {
                let receiver = self.operand(frame, operand, dot)?;
                self.fields(frame, &receiver, names, &[], dot, None)
            }
        }
    }

    /// `.a.b.c argument…`: only methods take arguments.
    fn fields(
        &mut self,
        frame: &mut Frame,
        receiver: &Value,
        names: &[Arc<str>],
        arguments: &[Operand],
        dot: &Value,
        last: Option<&Value>,
    ) -> Outcome {
        let mut value = receiver.clone();
        for (index, name) in names.iter().enumerate() {
            self.step()?;
            let is_last = index + 1 == names.len();
            let mut given = Vec::new();
            if is_last {
                for argument in arguments {
                    given.push(self.operand(frame, argument, dot)?);
                }
                given.extend(last.cloned());
            }
            value = match &value.data {
                Data::Map(map) => {
                    let slot = map.slot(name);
                    if !given.is_empty() {
                        return Err(Fault::new(format!("{name} is not a method but has arguments")));
                    }
                    slot.map(|slot| slot.value).unwrap_or_default()
                }
                Data::Nil => return Err(Fault::new(format!("nil pointer evaluating interface {{}}.{name}"))),
                Data::Object(object) => functions::objects::field(self, object, name, &given)?,
                _ => return Err(Fault::new(format!("can't evaluate field {name} in type {}", value.type_name()))),
            };
        }
        Ok(value)
    }

    fn function(
        &mut self,
        frame: &mut Frame,
        function: &'static Function,
        arguments: &[Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Outcome {
        self.step()?;
        let count = arguments.len() + usize::from(last.is_some());
        if count < usize::from(function.least) || count > usize::from(function.most) {
            return Err(Fault::new(format!("wrong number of args for {}: got {count}", function.name)));
        }
        if let Some(stop) = function.short_circuit() {
            let mut value = Value::NIL;
            for argument in arguments {
                value = self.operand(frame, argument, dot)?;
                if value.truth() == stop {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut values = Vec::with_capacity(count);
        for argument in arguments {
            values.push(self.operand(frame, argument, dot)?);
        }
        values.extend(last);
        let result = (function.call)(self, &values).map_err(|mut fault| {
            if fault.place == 0 {
                fault.reason = format!("{}: {}", function.name, fault.reason);
            }
            self.located(fault)
        })?;
        Ok(inherit(result, &values))
    }
}

/// A scalar that was computed from one value of a values file still leads there.
fn inherit(mut result: Value, arguments: &[Value]) -> Value {
    let unmarked = match &result.data {
        Data::Str(text) => !text.has_marks(),
        Data::Bool(_) | Data::Int(_) | Data::Int64(_) | Data::Float(_) => result.place == 0,
        _ => false,
    };
    if !unmarked {
        return result;
    }
    let mut found = None;
    for argument in arguments {
        match argument.source() {
            Some(mark) if found.is_none_or(|known| known == mark) => found = Some(mark),
            Some(_) => return result,
            None if matches!(&argument.data, Data::Str(text) if text.has_marks()) => return result,
            None => (),
        }
    }
    if let Some(mark) = found {
        result.set_mark(mark);
    }
    result
}
