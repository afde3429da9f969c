;; The calls of the system interface that ruby.wasm is answered here; the host answers the rest.
(module
  (import "ruby" "memory" (memory 1))
  (import "tidemill" "log" (func $log (param i32 i32 i32)))

  (global $input (export "input") (mut i32) (i32.const 0))  ;; what is left of the input
  (global $left (export "left") (mut i32) (i32.const 0))

  ;; The three files that are always open are devices of characters.
  (func (export "fd_fdstat_get") (param $fd i32) (param $at i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store (local.get $at) (i64.const 2))
    (i64.store offset=8 (local.get $at) (i64.const -1))
    (i64.store offset=16 (local.get $at) (i64.const -1))
    (i32.const 0))
  (func (export "fd_filestat_get") (param $fd i32) (param $at i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (memory.fill (local.get $at) (i32.const 0) (i32.const 64))
    (i32.store8 offset=16 (local.get $at) (i32.const 2))
    (i32.const 0))

  ;; Standard input is what the host handed over.
  (func (export "fd_read") (param $fd i32) (param $parts i32) (param $count i32) (param $read i32) (result i32)
    (local $room i32) (local $total i32)
    (if (local.get $fd) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $room (i32.load offset=4 (local.get $parts)))
        (if (i32.gt_u (local.get $room) (global.get $left)) (then (local.set $room (global.get $left))))
        (memory.copy (i32.load (local.get $parts)) (global.get $input) (local.get $room))
        (global.set $input (i32.add (global.get $input) (local.get $room)))
        (global.set $left (i32.sub (global.get $left) (local.get $room)))
        (local.set $total (i32.add (local.get $total) (local.get $room)))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $read) (local.get $total))
    (i32.const 0))

  ;; Standard output and error are lines of the log. A first byte below 4 is the level; else it is 1 or 2.
  (func (export "fd_write") (param $fd i32) (param $parts i32) (param $count i32) (param $written i32) (result i32)
    (local $level i32) (local $at i32) (local $size i32) (local $total i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.load (local.get $parts)))
        (local.set $size (i32.load offset=4 (local.get $parts)))
        (local.set $total (i32.add (local.get $total) (local.get $size)))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $next (i32.eqz (local.get $size)))
        (local.set $level (i32.load8_u (local.get $at)))
        (if (i32.lt_u (local.get $level) (i32.const 4))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $size (i32.sub (local.get $size) (i32.const 1))))
          (else (local.set $level (local.get $fd))))
        ;; Without the end of the line; an end alone is no line.
        (if (i32.and
              (i32.ne (local.get $size) (i32.const 0))
              (i32.eq (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 1))) (i32.const 10)))
          (then (local.set $size (i32.sub (local.get $size) (i32.const 1)))))
        (br_if $next (i32.eqz (local.get $size)))
        (call $log (local.get $level) (local.get $at) (local.get $size))
        (br $next)))
    (i32.store (local.get $written) (local.get $total))
    (i32.const 0))
)
