{% if kind == "filter" -%}
//! Keeps records whose value contains a text.

const std = @import("std");
const tidemill = @import("tidemill.zig");

fn contains(call: *tidemill.Call, record: tidemill.Record) !bool {
    return std.mem.indexOf(u8, record.text(), call.param("text")) != null;
}

const Module = tidemill.Module(.filter, contains, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Keeps records whose value contains a text.",
    .params =
    \\[{"name":"text","type":"string","default":"error","description":"What to look for"}]
    ,
});

comptime {
    Module.exported();
}

test "records with the text are kept" {
    var runner: Module.Runner = try .init("{\"text\": \"lamp\"}");
    defer runner.deinit();
    try runner.expect(&.{ tidemill.of("a chair"), tidemill.of("a lamp") }, &.{"a lamp"});
}
{%- elsif kind == "map" -%}
//! Writes values in capitals.

const std = @import("std");
const tidemill = @import("tidemill.zig");

fn capitals(call: *tidemill.Call, record: tidemill.Record) !tidemill.Record {
    return record.with(try std.ascii.allocUpperString(call.arena, record.text()));
}

const Module = tidemill.Module(.map, capitals, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Writes values in capitals.",
});

comptime {
    Module.exported();
}

test "values are in capitals" {
    var runner: Module.Runner = try .init("{}");
    defer runner.deinit();
    try runner.expect(&.{ tidemill.of("one"), tidemill.of("Two 2") }, &.{ "ONE", "TWO 2" });
}
{%- elsif kind == "filter_map" -%}
//! Doubles numbers, and leaves out what is none.

const std = @import("std");
const tidemill = @import("tidemill.zig");

fn doubled(call: *tidemill.Call, record: tidemill.Record) !?tidemill.Record {
    const number = std.fmt.parseInt(i32, std.mem.trim(u8, record.text(), " \t\n"), 10) catch return null;
    return record.with(try call.print("{d}", .{2 * @as(i64, number)}));
}

const Module = tidemill.Module(.filter_map, doubled, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Doubles numbers, and leaves out what is none.",
});

comptime {
    Module.exported();
}

test "numbers are doubled, and all else is left out" {
    var runner: Module.Runner = try .init("{}");
    defer runner.deinit();
    try runner.expect(&.{ tidemill.of("21"), tidemill.of("many"), tidemill.of("-4") }, &.{ "42", "-8" });
}
{%- elsif kind == "flat_map" -%}
//! Makes a record of each word.

const std = @import("std");
const tidemill = @import("tidemill.zig");

fn words(call: *tidemill.Call, record: tidemill.Record) ![]const tidemill.Record {
    var made: std.ArrayList(tidemill.Record) = .empty;
    var rest = std.mem.tokenizeAny(u8, record.text(), " \t\n");
    while (rest.next()) |word| try made.append(call.arena, record.with(word));
    return made.items;
}

const Module = tidemill.Module(.flat_map, words, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Makes a record of each word.",
});

comptime {
    Module.exported();
}

test "each word becomes a record" {
    var runner: Module.Runner = try .init("{}");
    defer runner.deinit();
    try runner.expect(&.{ tidemill.of("to be"), tidemill.of(""), tidemill.of("or") }, &.{ "to", "be", "or" });
}
{%- elsif kind == "validate" -%}
//! Refuses values that are not numbers from 0 to 100.

const std = @import("std");
const tidemill = @import("tidemill.zig");

fn percentage(call: *tidemill.Call, record: tidemill.Record) !void {
    const number = std.fmt.parseInt(i64, record.text(), 10) catch
        return call.fail("`{s}` is not a whole number", .{record.text()});
    if (number < 0 or number > 100) return call.fail("{d} is not from 0 to 100", .{number});
}

const Module = tidemill.Module(.validate, percentage, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Refuses values that are not numbers from 0 to 100.",
});

comptime {
    Module.exported();
}

test "only percentages pass" {
    var runner: Module.Runner = try .init("{}");
    defer runner.deinit();
    try runner.run(&.{ tidemill.of("50"), tidemill.of("101"), tidemill.of("many") });
    try Module.Runner.same(&.{"50"}, runner.values);
    try Module.Runner.same(&.{ "101 is not from 0 to 100", "`many` is not a whole number" }, runner.reasons);
}
{%- elsif kind == "aggregate" -%}
//! Adds up numbers.

const std = @import("std");
const tidemill = @import("tidemill.zig");

fn sum(call: *tidemill.Call, accumulator: []const u8, record: tidemill.Record) ![]const u8 {
    const so_far = if (accumulator.len == 0) 0 else try std.fmt.parseInt(i64, accumulator, 10);
    const number = std.fmt.parseInt(i64, record.text(), 10) catch
        return call.fail("`{s}` is not a whole number", .{record.text()});
    const total = std.math.add(i64, so_far, number) catch
        return call.fail("the sum is more than 64 bits hold", .{});
    return call.print("{d}", .{total});
}

const Module = tidemill.Module(.aggregate, sum, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Adds up numbers.",
});

comptime {
    Module.exported();
}

test "sums go on from batch to batch" {
    var runner: Module.Runner = try .init("{}");
    defer runner.deinit();
    try runner.expect(&.{ tidemill.of("1"), tidemill.of("20") }, &.{ "1", "21" });
    try runner.expect(&.{tidemill.of("-300")}, &.{"-279"});
}
{%- elsif kind == "join" -%}
//! Puts the left value before the right one, where the keys agree.

const tidemill = @import("tidemill.zig");

fn sideBySide(call: *tidemill.Call, left: tidemill.Record, right: tidemill.Record) !?tidemill.Record {
    if (!left.sameKey(right)) return null;
    return left.with(try call.print("{s} {s}", .{ left.text(), right.text() }));
}

const Module = tidemill.Module(.join, sideBySide, .{
    .name = "{{project-name}}",
    .version = "0.1.0",
    .description = "Puts the left value before the right one, where the keys agree.",
});

comptime {
    Module.exported();
}

test "pairs of one key are joined" {
    var runner: Module.Runner = try .init("{}");
    defer runner.deinit();
    try runner.expect(&.{
        tidemill.keyed("7", "a lamp for"),
        tidemill.keyed("7", "Ada"),
        tidemill.keyed("8", "a chair for"),
        tidemill.keyed("9", "Grace"),
    }, &.{"a lamp for Ada"});
}
{%- endif %}
