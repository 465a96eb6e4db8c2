//! Infrastructure as code, and platforms' own files.

use crate::{Node, Place};

/// A resource, data source, module or provider.
#[derive(Clone, Debug)]
pub struct Resource {
    pub tool: InfrastructureTool,
    /// `aws_db_instance`, `AWS::RDS::DBInstance`, `module`, `backend`; a platform's file is `fly`, `render` …
    pub kind: String,
    pub name: String,
    pub place: Place,
    /// The attributes as written; expressions are scalars that hold their source text.
    pub body: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InfrastructureTool {
    Terraform,
    CloudFormation,
    Serverless,
    Pulumi,
    Cdk,
    Ansible,
    /// fly.toml, render.yaml, vercel.json, netlify.toml, app.yaml, Procfile.
    Platform,
}
