//! What is found in small programs of Ruby.

mod common;

use common::{check_outline, check_survives, check_symbols};
use gonogo_source::Language;

#[test]
fn constants_fields_and_methods_that_remember_are_followed() {
    check_symbols(
        Language::Ruby,
        r#"require "faraday"
class Shop::Client < Base
  def initialize
    @http = Faraday.new(url: "x")
  end
  def redis
    @redis ||= Redis.new
  end
  def buy
    @http.post("/buy")
    redis.get("x")
    self.redis.set("y", 1)
    Rails.env.production?
    Net::HTTP.start("x") { |http| http.get("/") }
    User.where(a: 1).limit(5).first
    user = if a then Member.new else Guest.new end
    user.pay(1)
    log = begin
      Logger.new
    rescue IOError => error
      error.message
      nil
    end
    log.info "x"
    later
    done!
  end
end
"#,
        &[
            "1 require",
            "4 Faraday",
            "7 Redis",
            "10 Faraday.post",
            "11 Redis.get",
            "12 Redis",
            "12 Redis.set",
            "13 Rails.env",
            "13 Rails.env.production?",
            "14 .(http).get",
            "14 Net.HTTP.start",
            "15 User.where",
            "15 User.where().limit",
            "15 User.where().limit().first",
            "16 Member",
            "16 Guest",
            "17 Guest.pay",
            "19 Logger",
            "21 IOError.message",
            "24 Logger.info",
            "25 later",
            "26 done!",
        ],
    );
}

#[test]
fn scopes_hold_what_stands_in_them() {
    check_outline(
        Language::Ruby,
        r#"def run(a, b = 1, *c, d:, e: 2, **f, &g)
  one(a)
rescue A, B::C => error
  # nothing
rescue D
  nil
rescue *ALL
  raise E, "no" if two
  raise
else
  three
ensure
  four
end
for row in rows() do five(row) end
until six? do seven() end
eight() while nine()
ten() rescue nil
list.each do |x, (y, z)|
  eleven(x)
end
f = ->(n = 1) { twelve(n) }
begin
  thirteen()
end
"#,
        r#"   1  Function run (a) (b = 1) (c) (d) (e = 2) (f) (g)
   1  bind run = <function run>
   2    Try 
   2      call one (a) dropped
   3    Catch error of A, B.C empty
   5    Catch  of D empty
   6      return null
   7    Catch  of ALL
   8      Branch  when two
   8        call E ("no") Throw
   8        text "no"
   9      call  () Throw
  11    call three () awaited
  11    return three()
  12    Finally 
  13      call four () dropped
  15  Loop  when (range rows())
  15    bind row
  15  call rows ()
  15    call five (row) dropped
  16  Loop  when (! six?())
  16    call six? ()
  16    call seven () dropped
  17  Loop  when nine()
  17    call eight () dropped
  17    call nine ()
  18  Try 
  18    call ten () dropped
  18  Catch  empty
  19  Function  (x) (y) (z)
  19  call list.each (&=<function >) dropped
  20    call eleven (x) awaited
  20    return eleven()
  22  Function  (n = 1)
  22    call twelve (n) awaited
  22    return twelve()
  22  bind f = <function >
  24  call thirteen () dropped"#,
    );
}

#[test]
fn branches_know_their_conditions() {
    check_outline(
        Language::Ruby,
        r#"if a and not b
  one()
elsif c
  two()
else
  three()
end
four() unless d
unless e then five() else six() end
case command
when "go", :run then seven()
else eight()
end
case point
in [x, 1] if nine() then ten()
end
value = a ? b : c
def tail
  if a
    11
  else
    twelve()
  end
end
"#,
        r#"   1  Branch  when (&& a (! b))
   2    call one () dropped
   3  Branch  when (! (&& a (! b)))
   3    Branch  when c
   4      call two () dropped
   5    Branch  when (! c)
   6      call three () dropped
   8  Branch  when (! d)
   8    call four () dropped
   9  Branch  when (! e)
   9    call five () dropped
   9  Branch  when e
   9    call six () dropped
  11  Branch  when ["go", "run"]
  11    text "go"
  11    call seven () dropped
  12  Branch 
  12    call eight () dropped
  15  Branch  when [?, nine()]
  15    call nine ()
  15    call ten () dropped
  17  bind value = (? a b c)
  18  Function tail
  18  bind tail = <function tail>
  19    Branch  when a
  20      return 11
  21    Branch  when (! a)
  22      call twelve () awaited
  22      return twelve()"#,
    );
}

#[test]
fn definitions_carry_their_types_and_fields() {
    check_outline(
        Language::Ruby,
        r"module Shop
  class Item < ActiveRecord::Migration[7.0]
    include Sidekiq::Job, Other
    LIMIT = 5
    @@all = []
    private
    retry_on Error, wait: 5.seconds, attempts: 3
    class << self
      def one = 5
    end
    def self.two; end
    def three
      self.four = 4
      return 1, 2
    end
  end
end
",
        r"   1  Class Shop
   1  bind Shop = <function Shop>
   2    Class Item of ActiveRecord.Migration, Sidekiq.Job, Other
   2    bind Item = <function Item>
   3      call include (Sidekiq.Job, Other) dropped
   4      bind LIMIT = 5
   5      bind this.all = []
   6      call private () dropped
   7      call  ()
   7      call retry_on (Error, wait=5.seconds(), attempts=3) dropped
   9      Function one
   9        return 5
  11      Function two empty
  12      Function three
  13        bind this.four = 4
  14        return [1, 2]",
    );
}

#[test]
fn values_keep_their_shape() {
    check_outline(
        Language::Ruby,
        r#"require_relative "other"
port = ENV["PORT"] || 80
hosts = ENV["HOSTS"].split(",")
host = ENV.fetch("HOST") { "localhost" }
app.config[:key] = :value
config.x.y = true
options = { "a" => 1, b: 2, :c => %w[x y], **more, e: }
sql = "select #{name(1)} " "tail"
long = run(<<~SQL, <<-'RAW', 1_000)
  select #{count()}
    from x
SQL
    raw #{x}
    RAW
a, (b, *c) = pair()
x, y = 1, 2
send(*args, "k" => -1, **rest, &block)
@cache ||= make()
total += 1
`ls #{dir}`
super(1)
$redis.get("x")
&.nothing
"#,
        r#"import ./other "" as ""
   1  call require_relative ("other") dropped
   1  text "other"
   2  text "PORT"
   2  read ENV.PORT or 80
   2  bind port = (|| ENV.PORT 80)
   3  text "HOSTS"
   3  text ","
   3  bind hosts = ENV.HOSTS.split()
   3  call ENV.HOSTS.split (",")
   4  text "HOST"
   4  Function 
   4    return "localhost"
   4    text "localhost"
   4  bind host = ENV.fetch()
   4  call ENV.fetch ("HOST", &=<function >)
   5  call app.config ()
   5  bind app.config.key = "value"
   6  call config.x ()
   6  bind config.x.y = true
   7  text "x"
   7  text "y"
   7  bind options = {a: 1, b: 2, c: ["x", "y"], ...: more, e: e}
   8  call name (1)
   8  bind sql = "select {} tail"
   8  text "select {} tail"
   9  text "select {}\n  from x"
   9  text "    raw #{x}"
   9  bind long = run()
   9  call run ("select {}\n  from x", "    raw #{x}", 1000)
  10  call count ()
  15  bind a = pair()
  15  bind b = pair()
  15  bind c = pair() #1
  15  call pair ()
  16  bind x = 1
  16  bind y = 2
  17  call send (*=args, k=-1, **=rest, &=block) dropped
  18  bind this.cache = make()
  18  call make ()
  20  call ` ("ls {}") dropped
  20  text "ls {}"
  21  call super (1) dropped
  22  text "x"
  22  call $redis.get ("x")
  22  call $redis.get().nothing () dropped"#,
    );
}

#[test]
fn any_bytes_are_survived() {
    check_survives(
        Language::Ruby,
        &[
            b"def f(\n x = (\nclass\n begin rescue",
            "if a\n".repeat(5_000).as_bytes(),
            format!("if a\n{}end", "elsif b\n".repeat(4_000)).as_bytes(),
            format!("x = {}1", "a = ".repeat(5_000)).as_bytes(),
            format!("{}z = [{}]", "a, ".repeat(5_000), "b, ".repeat(4_000)).as_bytes(),
            format!("x = {}1", "a + ".repeat(10_000)).as_bytes(),
            format!("x{}", ".a".repeat(5_000)).as_bytes(),
            format!("x{}", ".a(1)".repeat(5_000)).as_bytes(),
            "x[".repeat(5_000).as_bytes(),
            "<<A\n".repeat(5_000).as_bytes(),
            "<<A + ".repeat(2_000).as_bytes(),
            "\"#{".repeat(5_000).as_bytes(),
            "->{".repeat(5_000).as_bytes(),
            "def a\n".repeat(5_000).as_bytes(),
            "a\n".repeat(5_000).as_bytes(),
            b"x = \"\xff#{\xfe}\" \xc3",
        ],
    );
}
