;; Handles of values, as ruby.wasm wants them: a handle is the value itself, since nothing is gained by a table.
(module
  (import "ruby" "canonical_abi_drop_rb-abi-value" (func $drop (param i32)))

  (func (export "resource_new_rb-iseq") (param i32) (result i32) (local.get 0))
  (func (export "resource_get_rb-iseq") (param i32) (result i32) (local.get 0))
  (func (export "resource_clone_rb-iseq") (param i32) (result i32) (local.get 0))
  (func (export "resource_drop_rb-iseq") (param i32))
  (func (export "resource_new_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_get_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_clone_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_drop_rb-abi-value") (param i32) (call $drop (local.get 0)))
)
