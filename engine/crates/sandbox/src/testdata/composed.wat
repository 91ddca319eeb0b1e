;; Two components in one, as `wac plug` makes them: the first takes a text from the second.
;; wasm-tools parse composed.wat -o composed.wasm
(component
  (component $inner
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 16)
      (func (export "take") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "take") (param "text" string)
      (canon lift (core func $i "take")
        (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
  (component $outer
    (import "take" (func $take (param "text" string)))
    (core module $memory (memory (export "memory") 1))
    (core instance $mem (instantiate $memory))
    (core func $lowered (canon lower (func $take) (memory (core memory $mem "memory"))))
    (core module $m
      (import "host" "take" (func $take (param i32 i32)))
      (func (export "run") (call $take (i32.const 0) (i32.const 3))))
    (core instance $i (instantiate $m (with "host" (instance (export "take" (func $lowered))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (instance $a (instantiate $inner))
  (instance $b (instantiate $outer (with "take" (func $a "take"))))
  (export "run" (func $b "run")))
