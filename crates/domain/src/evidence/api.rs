//! Descriptions of interfaces: OpenAPI, gRPC, GraphQL, AsyncAPI.

use crate::Place;

#[derive(Clone, Debug)]
pub struct ApiDescription {
    pub kind: ApiKind,
    pub place: Place,
    pub title: String,
    pub version: Option<String>,
    pub operations: Vec<Operation>,
    /// Security schemes that the document defines.
    pub security_schemes: Vec<String>,
    pub servers: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiKind {
    OpenApi,
    Grpc,
    GraphQl,
    AsyncApi,
}

/// An operation of an API: a method of a path, or an RPC of a service.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `GET`, `POST` …; `RPC` for gRPC.
    pub method: String,
    /// The path, or `package.Service/Method`.
    pub path: String,
    pub place: Place,
    /// What it needs: the schemes of its security requirement. Empty: anyone may call it.
    pub security: Vec<String>,
    /// Status codes that it documents.
    pub responses: Vec<String>,
    pub described: bool,
}
