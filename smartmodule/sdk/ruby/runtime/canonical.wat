;; Handles of values, as ruby.wasm wants them: a handle is the value itself, since nothing is gained by a table.
(module
  (func (export "resource_new_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_get_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_drop_js-abi-value") (param i32))
)
