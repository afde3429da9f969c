//! SmartModules in Zig: all that stands between a module and Tidemill, in one file.
//!
//! A module is `tidemill.Module(kind, function, about)`; see `module.zig`. The layout of frames and answers is that of Tidemill's
//! docs/smartmodule-abi.md. Tests run natively, behind the same bytes: see `Runner`.

const std = @import("std");
const builtin = @import("builtin");

const Allocator = std.mem.Allocator;
const Bytes = std.ArrayList(u8);
const is_wasm = builtin.cpu.arch == .wasm32;
const gpa: Allocator = if (is_wasm) std.heap.wasm_allocator else std.heap.page_allocator;

/// What a module does with records, and so what its function takes and gives:
/// - filter: `fn (*Call, Record) !bool`
/// - map: `fn (*Call, Record) !Record`
/// - filter_map: `fn (*Call, Record) !?Record`
/// - flat_map: `fn (*Call, Record) ![]const Record`
/// - validate: `fn (*Call, Record) !void`
/// - aggregate: `fn (*Call, accumulator: []const u8, Record) ![]const u8`; the accumulator is empty at the beginning
/// - join: `fn (*Call, left: Record, right: Record) !?Record`
pub const Kind = enum { filter, map, filter_map, flat_map, validate, aggregate, join };

/// A record. Its bytes lie in the batch: they are there until the function that got it returns.
pub const Record = struct {
    /// In the partition; -1 on ingest, where there is none yet.
    offset: i64 = -1,
    /// Milliseconds since 1970.
    timestamp: i64 = 0,
    /// Null is not the same as empty.
    key: ?[]const u8 = null,
    /// Null (a tombstone) is not the same as empty.
    value: ?[]const u8 = null,
    header_count: i64 = 0,
    /// As they lie in the batch: see `header`.
    headers: []const u8 = "",

    /// The value; empty when there is none.
    pub fn text(record: Record) []const u8 {
        return record.value orelse "";
    }

    /// Another value; all else as it was.
    pub fn with(record: Record, value: []const u8) Record {
        var other = record;
        other.value = value;
        return other;
    }

    /// The value of the last header of a name, if there is one that is not null.
    pub fn header(record: Record, name: []const u8) ?[]const u8 {
        var reader: Reader = .{ .bytes = record.headers };
        var found: ?[]const u8 = null;
        while (reader.bytes.len > 0) {
            const key = reader.nullable() catch return null;
            const value = reader.nullable() catch return null;
            if (std.mem.eql(u8, key orelse "", name)) found = value;
        }
        return found;
    }

    /// Whether another record has the same key; null is only the same as null.
    pub fn sameKey(record: Record, other: Record) bool {
        const key = record.key orelse return other.key == null;
        return std.mem.eql(u8, key, other.key orelse return false);
    }
};

/// What a module says of itself.
pub const About = struct {
    name: []const u8,
    version: []const u8,
    description: []const u8,
    /// A list of parameters, in JSON.
    params: []const u8 = "[]",
};

/// What a module's function may use.
pub const Call = struct {
    /// Room until the batch is answered.
    arena: Allocator,
    params: std.json.Value,
    reason: ?[]const u8 = null,

    /// A parameter that is text; empty when there is none.
    pub fn param(call: *Call, name: []const u8) []const u8 {
        if (call.value(name)) |found| if (found == .string) return found.string;
        return "";
    }

    /// A parameter of any type.
    pub fn value(call: *Call, name: []const u8) ?std.json.Value {
        return if (call.params == .object) call.params.object.get(name) else null;
    }

    /// Fails the record in hand for a reason: `return call.fail("{d} is too much", .{number});`
    pub fn fail(call: *Call, comptime format: []const u8, arguments: anytype) error{Failed} {
        call.reason = std.fmt.allocPrint(call.arena, format, arguments) catch "out of memory";
        return error.Failed;
    }

    /// Text in the arena.
    pub fn print(call: *Call, comptime format: []const u8, arguments: anytype) ![]const u8 {
        return std.fmt.allocPrint(call.arena, format, arguments);
    }
};

pub const Level = enum(u32) { debug, info, warn, err };

extern "tidemill" fn log(level: u32, at: [*]const u8, length: u32) void;

/// Writes a line to the log.
pub fn say(level: Level, text: []const u8) void {
    if (is_wasm) {
        log(@intFromEnum(level), text.ptr, @intCast(text.len));
    } else {
        std.debug.print("[{s}] {s}\n", .{ @tagName(level), text });
    }
}

// ---- Frames and answers. ----

const Reader = struct {
    bytes: []const u8,

    fn varint(reader: *Reader) !i64 {
        var value: u64 = 0;
        for (0..@min(10, reader.bytes.len)) |at| {
            const byte = reader.bytes[at];
            value |= @as(u64, byte & 0x7f) << @as(u6, @intCast(7 * at));
            if (byte >= 0x80) continue;
            reader.bytes = reader.bytes[at + 1 ..];
            const sign: i64 = @intCast(value & 1);
            return @as(i64, @bitCast(value >> 1)) ^ -sign;
        }
        return error.Cut;
    }

    fn take(reader: *Reader, length: i64) ![]const u8 {
        if (length < 0 or length > reader.bytes.len) return error.Cut;
        const taken = reader.bytes[0..@intCast(length)];
        reader.bytes = reader.bytes[@intCast(length)..];
        return taken;
    }

    fn nullable(reader: *Reader) !?[]const u8 {
        const length = try reader.varint();
        return if (length == -1) null else try reader.take(length);
    }
};

fn putVarint(out: *Bytes, number: i64) !void {
    var rest: u64 = @bitCast((number << 1) ^ (number >> 63));
    while (rest >= 0x80) : (rest >>= 7) try out.append(gpa, @as(u8, @truncate(rest)) | 0x80);
    try out.append(gpa, @truncate(rest));
}

fn putNullable(out: *Bytes, bytes: ?[]const u8) !void {
    const some = bytes orelse return putVarint(out, -1);
    try putVarint(out, @intCast(some.len));
    try out.appendSlice(gpa, some);
}

fn putInt(out: *Bytes, comptime T: type, number: T) !void {
    var bytes: [@sizeOf(T)]u8 = undefined;
    std.mem.writeInt(T, &bytes, number, .little);
    try out.appendSlice(gpa, &bytes);
}

fn putRecord(out: *Bytes, record: Record, base_timestamp: i64, offset_delta: i64) !void {
    var body: Bytes = .empty;
    defer body.deinit(gpa);
    try body.append(gpa, 0);
    try putVarint(&body, record.timestamp - base_timestamp);
    try putVarint(&body, offset_delta);
    try putNullable(&body, record.key);
    try putNullable(&body, record.value);
    try putVarint(&body, record.header_count);
    try body.appendSlice(gpa, record.headers);
    try putVarint(out, @intCast(body.items.len));
    try out.appendSlice(gpa, body.items);
}

const Frame = struct {
    stamped: bool,
    count: u32,
    base_offset: i64,
    base_timestamp: i64,
    accumulator: []const u8,
    rest: Reader,

    fn read(bytes: []const u8) !Frame {
        if (bytes.len < 32 or bytes[0] != 1 or bytes[1] > 3 or bytes[2] > 1 or bytes[3] != 0) return error.Header;
        var rest: Reader = .{ .bytes = bytes[32..] };
        const accumulator = try rest.take(std.mem.readInt(u32, bytes[24..28], .little));
        return .{
            .stamped = bytes[2] == 1,
            .count = std.mem.readInt(u32, bytes[4..8], .little),
            .base_offset = std.mem.readInt(i64, bytes[8..16], .little),
            .base_timestamp = std.mem.readInt(i64, bytes[16..24], .little),
            .accumulator = accumulator,
            .rest = rest,
        };
    }

    fn next(frame: *Frame) !Record {
        var body: Reader = .{ .bytes = try frame.rest.take(try frame.rest.varint()) };
        _ = try body.take(1);
        const timestamp = try body.varint();
        const offset = try body.varint();
        const record: Record = .{
            .timestamp = frame.base_timestamp + if (frame.stamped) 0 else timestamp,
            .offset = if (frame.base_offset < 0) -1 else frame.base_offset + offset,
            .key = try body.nullable(),
            .value = try body.nullable(),
            .header_count = try body.varint(),
            .headers = body.bytes,
        };
        if (record.header_count < 0) return error.Cut;
        var left = record.header_count;
        while (left > 0) : (left -= 1) {
            if (try body.nullable() == null) return error.Cut;
            _ = try body.nullable();
        }
        if (body.bytes.len > 0) return error.Cut;
        return record;
    }
};

/// Text with a question mark in the place of each byte that is no part of a character: values that are quoted may be
/// anything.
fn utf8(arena: Allocator, text: []const u8) ![]const u8 {
    if (std.unicode.utf8ValidateSlice(text)) return text;
    const made = try arena.dupe(u8, text);
    var at: usize = 0;
    while (at < made.len) {
        const length = std.unicode.utf8ByteSequenceLength(made[at]) catch 1;
        if (at + length <= made.len and std.unicode.utf8ValidateSlice(made[at..][0..length])) {
            at += length;
        } else {
            made[at] = '?';
            at += 1;
        }
    }
    return made;
}

/// A reply: an answer, or a failure.
const Reply = struct { bytes: []u8, failed: bool = false };

fn failure(text: []const u8) Reply {
    const bytes = gpa.alloc(u8, 4 + text.len) catch @trap();
    @memset(bytes[0..4], 0xff);
    @memcpy(bytes[4..], text);
    return .{ .bytes = bytes, .failed = true };
}

/// A module: what the exports call, and tests.
pub fn Module(comptime kind: Kind, comptime function: anytype, comptime about: About) type {
    return struct {
        const Self = @This();
        const selects = kind == .filter or kind == .validate;

        /// Natively, the module for tests.
        pub const Runner = RunnerOf(Self, kind);

        var params: std.heap.ArenaAllocator = .init(gpa);
        var given: std.json.Value = .null;
        // Room that is used again for each batch.
        var arena: std.heap.ArenaAllocator = .init(gpa);
        var records: Bytes = .empty;
        var failures: Bytes = .empty;
        var out: Bytes = .empty;

        fn start(json: []const u8) !void {
            _ = params.reset(.retain_capacity);
            const copy = try params.allocator().dupe(u8, json);
            const all = try std.json.parseFromSliceLeaky(std.json.Value, params.allocator(), copy, .{});
            given = if (all == .object) all.object.get("params") orelse .null else .null;
        }

        fn answer(bytes: []const u8) Reply {
            return answered(bytes) catch |err| failure(switch (err) {
                error.Pair => "a join takes pairs",
                else => "the frame is not valid",
            });
        }

        fn answered(bytes: []const u8) anyerror!Reply {
            var frame = try Frame.read(bytes);
            if (frame.count > bytes.len) return error.Cut;
            _ = arena.reset(.retain_capacity);
            records.clearRetainingCapacity();
            failures.clearRetainingCapacity();
            var call: Call = .{ .arena = arena.allocator(), .params = given };
            const bits = try call.arena.alloc(u8, if (selects) (frame.count + 7) / 8 else 0);
            @memset(bits, 0);
            var made: u32 = 0;
            var failed: u32 = 0;
            var accumulator = frame.accumulator;
            var index: u32 = 0;
            while (index < frame.count) : (index += if (kind == .join) 2 else 1) {
                const record = try frame.next();
                if (kind == .join and index + 1 == frame.count) return error.Pair;
                const right = if (kind == .join) try frame.next() else {};
                const came = one(&call, record, right, &accumulator) catch |err| {
                    try putVarint(&failures, index);
                    try putNullable(&failures, try utf8(call.arena, call.reason orelse @errorName(err)));
                    call.reason = null;
                    failed += 1;
                    continue;
                };
                if (selects) {
                    if (came) bits[index / 8] |= @as(u8, 1) << @intCast(index % 8);
                } else for (came) |each| {
                    try putVarint(&records, index);
                    try putRecord(&records, each, frame.base_timestamp, 0);
                    made += 1;
                }
            }
            if (frame.rest.bytes.len > 0) return error.Cut;
            const body = if (selects) bits else records.items;
            const end = if (kind == .aggregate) accumulator else "";
            out.clearRetainingCapacity();
            try out.appendSlice(gpa, &.{ 1, if (selects) 0 else 1, if (kind == .aggregate) 1 else 0, 0 });
            try putInt(&out, u32, if (selects) frame.count else made);
            try putInt(&out, u32, failed);
            try putInt(&out, u32, @intCast(end.len));
            try out.appendSlice(gpa, body);
            try out.appendSlice(gpa, failures.items);
            try out.appendSlice(gpa, end);
            // Of its exact size: wasm_allocator loses room when a large block shrinks to a small one.
            return .{ .bytes = try gpa.dupe(u8, out.items) };
        }

        /// Calls the function for one record, or one pair: whether to keep it, or what came of it.
        fn one(call: *Call, record: Record, right: anytype, accumulator: *[]const u8) !if (selects) bool else []const Record {
            switch (kind) {
                .filter => return function(call, record),
                .validate => {
                    try function(call, record);
                    return true;
                },
                .map => return list(call, try function(call, record)),
                .filter_map => return list(call, try function(call, record)),
                .flat_map => return function(call, record),
                .aggregate => {
                    accumulator.* = try function(call, accumulator.*, record);
                    return list(call, record.with(accumulator.*));
                },
                .join => return list(call, try function(call, record, right)),
            }
        }

        fn list(call: *Call, record: ?Record) ![]const Record {
            const some = record orelse return &.{};
            return call.arena.dupe(Record, &.{some});
        }

        const description = "{\"abi\":1,\"kind\":\"" ++ @tagName(kind) ++ "\",\"name\":\"" ++ about.name ++
            "\",\"version\":\"" ++ about.version ++ "\",\"description\":\"" ++ about.description ++
            "\",\"language\":\"zig\",\"sdk\":\"tidemill.zig 0.1.0\",\"params\":" ++ about.params ++ ",\"lookBack\":false}";

        /// Exports the functions of the contract, where the target is WebAssembly.
        pub fn exported() void {
            if (!is_wasm) return;
            @export(&tmAlloc, .{ .name = "tm_alloc" });
            @export(&tmFree, .{ .name = "tm_free" });
            @export(&tmDescribe, .{ .name = "tm_describe" });
            @export(&tmInit, .{ .name = "tm_init" });
            @export(&tmProcess, .{ .name = "tm_process" });
        }

        fn tmAlloc(length: u32) callconv(.c) [*]u8 {
            return (gpa.alloc(u8, @max(length, 1)) catch @trap()).ptr;
        }

        fn tmFree(at: [*]u8, length: u32) callconv(.c) void {
            gpa.free(at[0..@max(length, 1)]);
        }

        fn tmDescribe() callconv(.c) u64 {
            return pack(.{ .bytes = gpa.dupe(u8, description) catch @trap() });
        }

        fn tmInit(at: [*]const u8, length: u32) callconv(.c) u64 {
            start(at[0..length]) catch return pack(failure("the parameters are not valid"));
            return 0;
        }

        fn tmProcess(at: [*]const u8, length: u32) callconv(.c) u64 {
            return pack(answer(at[0..length]));
        }

        fn pack(reply: Reply) u64 {
            const flag: u64 = if (reply.failed) 1 << 31 else 0;
            return @as(u64, @intFromPtr(reply.bytes.ptr)) << 32 | flag | reply.bytes.len;
        }
    };
}

// ---- Tests. ----

/// A record of this value, to test with.
pub fn of(value: []const u8) Record {
    return .{ .value = value };
}

/// A record of this key and value, to test with.
pub fn keyed(key: []const u8, value: []const u8) Record {
    return .{ .key = key, .value = value };
}

fn RunnerOf(comptime T: type, comptime kind: Kind) type {
    return struct {
        const Self = @This();

        arena: std.heap.ArenaAllocator,
        accumulator: []const u8 = "",
        values: []const []const u8 = &.{},
        reasons: []const []const u8 = &.{},

        /// Starts the module with parameters, the text of a JSON object.
        pub fn init(params: []const u8) !Self {
            var arena: std.heap.ArenaAllocator = .init(gpa);
            try T.start(try std.fmt.allocPrint(arena.allocator(), "{s}{s}{s}", .{ "{\"params\":", params, "}" }));
            return .{ .arena = arena };
        }

        pub fn deinit(runner: *Self) void {
            runner.arena.deinit();
        }

        /// Runs one batch; `values` and `reasons` hold what came of it. A join takes pairs.
        pub fn run(runner: *Self, records: []const Record) !void {
            const arena = runner.arena.allocator();
            var out: Bytes = .empty;
            defer out.deinit(gpa);
            try out.appendSlice(gpa, &.{ 1, switch (kind) {
                .aggregate => 2,
                .join => 3,
                else => 0,
            }, 0, 0 });
            try putInt(&out, u32, @intCast(records.len));
            try out.appendNTimes(gpa, 0, 16);
            try putInt(&out, u32, @intCast(runner.accumulator.len));
            try out.appendNTimes(gpa, 0, 4);
            try out.appendSlice(gpa, runner.accumulator);
            for (records, 0..) |record, at| try putRecord(&out, record, 0, @intCast(at));
            const reply = T.answer(out.items);
            defer gpa.free(reply.bytes);
            if (reply.failed) return error.ModuleFailed;
            try runner.read(try arena.dupe(u8, reply.bytes), records);
        }

        fn read(runner: *Self, bytes: []const u8, records: []const Record) !void {
            const arena = runner.arena.allocator();
            var values: std.ArrayList([]const u8) = .empty;
            var reasons: std.ArrayList([]const u8) = .empty;
            var head: [32]u8 = @splat(0);
            head[0] = 1;
            var frame: Frame = try .read(&head);
            frame.rest = .{ .bytes = bytes[16..] };
            const count = std.mem.readInt(u32, bytes[4..8], .little);
            if (bytes[1] == 0) {
                const bits = try frame.rest.take((count + 7) / 8);
                for (records, 0..) |record, at| {
                    if (bits[at / 8] >> @intCast(at % 8) & 1 == 1) try values.append(arena, record.text());
                }
            } else for (0..count) |_| {
                _ = try frame.rest.varint();
                try values.append(arena, (try frame.next()).text());
            }
            for (0..std.mem.readInt(u32, bytes[8..12], .little)) |_| {
                _ = try frame.rest.varint();
                try reasons.append(arena, try frame.rest.nullable() orelse "");
            }
            if (bytes[2] == 1) runner.accumulator = frame.rest.bytes;
            runner.values = values.items;
            runner.reasons = reasons.items;
        }

        /// Runs one batch, and expects these values to come out and no record to fail.
        pub fn expect(runner: *Self, records: []const Record, values: []const []const u8) !void {
            try runner.run(records);
            try same(values, runner.values);
            try std.testing.expectEqual(0, runner.reasons.len);
        }

        pub fn same(wanted: []const []const u8, got: []const []const u8) !void {
            try std.testing.expectEqual(wanted.len, got.len);
            for (wanted, got) |one, other| try std.testing.expectEqualStrings(one, other);
        }
    };
}
