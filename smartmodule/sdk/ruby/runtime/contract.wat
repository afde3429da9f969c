;; What stands between the contract of a SmartModule and ruby.wasm. It is merged with ruby.wasm into one module, which
;; shares its memory.
;;
;; Bytes come in through standard input, which `wasi.wat` serves from the room that the host filled, and go out as a string.
(module
  (import "ruby" "memory" (memory 1))
  (import "ruby" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "ruby" "ruby-init: func(args: list<string>) -> ()" (func $ruby_init (param i32 i32)))
  (import "ruby" "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>"
    (func $eval (param i32 i32) (result i32)))
  (import "ruby" "rb-intern: func(name: string) -> u32" (func $intern (param i32 i32) (result i32)))
  (import "ruby"
    "rb-funcallv-protect: func(recv: handle<rb-abi-value>, mid: u32, args: list<handle<rb-abi-value>>) -> tuple<handle<rb-abi-value>, s32>"
    (func $call (param i32 i32 i32 i32) (result i32)))
  (import "ruby" "rstring-ptr: func(value: handle<rb-abi-value>) -> string" (func $string (param i32) (result i32)))
  (import "ruby" "cabi_post_rstring-ptr" (func $free_string (param i32)))
  (import "ruby" "canonical_abi_drop_rb-abi-value" (func $drop (param i32)))
  (import "wasi_snapshot_preview1" "input" (global $input (mut i32)))
  (import "wasi_snapshot_preview1" "left" (global $left (mut i32)))

  ;; The program: its length in four bytes, then the text. `build` writes it.
  (data $program "\00\00\00\00tidemill-program")

  (global $exports (mut i32) (i32.const 0))  ;; the object that answers calls
  (global $scratch (mut i32) (i32.const 0))  ;; 64 bytes

  (func $alloc (export "tm_alloc") (param $length i32) (result i32)
    (call $start)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.add (local.get $length) (i32.const 1))))

  (func (export "tm_free") (param $address i32) (param $length i32)
    (i32.store (global.get $scratch) (local.get $address))
    (i32.store offset=4 (global.get $scratch) (i32.const 1))
    (call $free_string (global.get $scratch)))

  ;; Starts Ruby, and the program in it. Once.
  (func $start
    (local $length i32) (local $text i32) (local $result i32)
    (if (global.get $scratch) (then (return)))
    (global.set $scratch (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 64)))
    ;; Three arguments: each an address and a length, with a zero after it.
    (i64.store (global.get $scratch) (i64.const 0x79627572))                ;; "ruby"
    (i64.store offset=8 (global.get $scratch) (i64.const 0x382d465455452d)) ;; "-EUTF-8"
    (i64.store offset=16 (global.get $scratch) (i64.const 0x303d5f652d))    ;; "-e_=0"
    (i32.store offset=32 (global.get $scratch) (global.get $scratch))
    (i32.store offset=36 (global.get $scratch) (i32.const 5))
    (i32.store offset=40 (global.get $scratch) (i32.add (global.get $scratch) (i32.const 8)))
    (i32.store offset=44 (global.get $scratch) (i32.const 8))
    (i32.store offset=48 (global.get $scratch) (i32.add (global.get $scratch) (i32.const 16)))
    (i32.store offset=52 (global.get $scratch) (i32.const 6))
    (call $ruby_init (i32.add (global.get $scratch) (i32.const 32)) (i32.const 3))
    (memory.init $program (global.get $scratch) (i32.const 0) (i32.const 4))
    (local.set $length (i32.load (global.get $scratch)))
    (local.set $text
      (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.add (local.get $length) (i32.const 1))))
    (memory.init $program (local.get $text) (i32.const 4) (local.get $length))
    (data.drop $program)
    (i32.store8 (i32.add (local.get $text) (local.get $length)) (i32.const 0))
    (local.set $result (call $eval (local.get $text) (local.get $length)))
    ;; The program's own `rescue` has told why.
    (if (i32.load offset=4 (local.get $result)) (then (unreachable)))
    (global.set $exports (i32.load (local.get $result))))

  ;; Calls a method of the program by the number of its name. What comes back is a string, and 20 (`true`) or 0 (`false`)
  ;; from `failed?`.
  (func $ask (param $name i64) (param $input i32) (param $length i32) (result i64)
    (local $result i32) (local $value i32) (local $failed i64) (local $address i32)
    (call $start)
    (global.set $input (local.get $input))
    (global.set $left (local.get $length))
    (local.set $result (call $method (local.get $name) (local.get $length)))
    (local.set $value (i32.load (local.get $result)))
    (local.set $result (call $string (local.get $value)))
    (local.set $address (i32.load (local.get $result)))
    (local.set $length (i32.load offset=4 (local.get $result)))
    (call $drop (local.get $value))
    (local.set $result (call $method (i64.const 0x3f64656c696166) (i32.const 0))) ;; "failed?"
    (local.set $failed (i64.extend_i32_u (i32.ne (i32.load (local.get $result)) (i32.const 0))))
    (call $drop (i32.load (local.get $result)))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
      (i64.or (i64.shl (local.get $failed) (i64.const 31)) (i64.extend_i32_u (local.get $length)))))

  ;; Calls a method of up to seven letters with a small number.
  (func $method (param $name i64) (param $number i32) (result i32)
    (local $result i32)
    (i64.store (global.get $scratch) (local.get $name))
    ;; Numbers of Ruby are shifted, with a one behind.
    (i32.store offset=16 (global.get $scratch)
      (i32.or (i32.shl (local.get $number) (i32.const 1)) (i32.const 1)))
    (local.set $result
      (call $call (global.get $exports)
        (call $intern (global.get $scratch) (i32.const 7))
        (i32.add (global.get $scratch) (i32.const 16)) (i32.const 1)))
    (if (i32.load offset=4 (local.get $result)) (then (unreachable)))
    (local.get $result))

  (func (export "tm_describe") (result i64)
    (call $ask (i64.const 0x74756f6261) (i32.const 0) (i32.const 0))) ;; "about"
  (func (export "tm_init") (param i32 i32) (result i64)
    (call $ask (i64.const 0x74696e69) (local.get 0) (local.get 1))) ;; "init"
  (func (export "tm_process") (param i32 i32) (result i64)
    (call $ask (i64.const 0x737365636f7270) (local.get 0) (local.get 1))) ;; "process"
  (func (export "tm_look_back") (param i32 i32) (result i64)
    (call $ask (i64.const 0x6b6f6f6c) (local.get 0) (local.get 1))) ;; "look"
)
