//! What the calls of small programs stand for, language by language.

use gonogo_source::{Language, Names, Nothing, read};

/// Each call with the symbol that it stands for, as `line symbol`.
#[track_caller]
fn check(language: Language, code: &str, expect: &[&str]) {
    let module = read(language, code.as_bytes());
    let names = Names::new(&module, &Nothing);
    let mut found: Vec<(u32, u32, String)> = module
        .calls
        .iter()
        .map(|call| {
            let symbol = names.symbols(&call.callee, call.scope).into_iter().next();
            (call.spot.line, call.spot.end, symbol.unwrap_or_else(|| "?".to_owned()))
        })
        .collect();
    found.sort();
    let found: Vec<String> = found.into_iter().map(|(line, _, symbol)| format!("{line} {symbol}")).collect();
    assert_eq!(found, expect, "broken: {:?}", module.broken);
}

#[test]
fn javascript_follows_imports_variables_and_fields() {
    check(
        Language::JavaScript,
        r#"import axios, { AxiosError } from "axios";
const { Pool } = require("pg");
const pool = new Pool({ max: 10 });
const client = axios.create({ timeout: 5000 });
class Shop {
  constructor() { this.http = axios.create(); }
  async buy() {
    await this.http.post("/buy");
    await pool.query("select 1");
    return client.get(`/x/${1}`);
  }
}
fetch("https://example.com").then((r) => r.json());
"#,
        &[
            "3 pg.Pool",
            "4 axios.create",
            "6 axios.create",
            "8 axios.create().post",
            "9 pg.Pool.query",
            "10 axios.create().get",
            "13 fetch",
            "13 .(r).json",
            "13 fetch().then",
        ],
    );
}

#[test]
fn javascript_uses_a_module_where_it_is_required() {
    check(
        Language::JavaScript,
        "require('@google-cloud/profiler').start({});\nconst app = require('express')();\napp.get('/', f);\n\
         async function g() { (await import('pino')).pino(); }\n",
        &["1 @google-cloud/profiler.start", "2 express", "3 express().get", "4 pino.pino"],
    );
}

#[test]
fn what_stands_in_for_a_part_of_a_parameter_tells_what_it_is() {
    check(
        Language::JavaScript,
        "function make({ fetch = globalThis.fetch, log }) {\n  fetch('https://x.example');\n  log();\n}\n",
        &["2 globalThis.fetch", "3 {}.log"],
    );
}

#[test]
fn typescript_follows_the_types_of_constructor_parameters() {
    check(
        Language::TypeScript,
        r#"import { HttpService } from "@nestjs/axios";
import { Controller, Get } from "@nestjs/common";
@Controller("cats")
export class Cats {
  constructor(private readonly http: HttpService) {}
  @Get("all")
  async all(): Promise<string> {
    return await this.http.get("https://cats.example").toPromise();
  }
}
"#,
        &[
            "3 @nestjs/common.Controller",
            "6 @nestjs/common.Get",
            "8 @nestjs/axios.HttpService.get",
            "8 @nestjs/axios.HttpService.get().toPromise",
        ],
    );
}

#[test]
fn go_follows_imports_struct_fields_and_receivers() {
    check(
        Language::Go,
        r#"package shop

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

type Server struct {
	client *http.Client
}

func (s *Server) Buy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://x", nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	go s.later(resp)
	return err
}

func main() {
	e := echo.New()
	e.GET("/health", health)
	client := &http.Client{Timeout: 3 * time.Second}
	client.Get("http://y")
	panic("no")
}
"#,
        &[
            "16 context.WithTimeout",
            "17 .cancel",
            "18 net/http.NewRequestWithContext",
            "22 net/http.Client.Do",
            "23 .Server.later",
            "28 github.com/labstack/echo.New",
            "29 github.com/labstack/echo.New().GET",
            "31 net/http.Client.Get",
            "32 panic",
        ],
    );
}
