/// Numbers that a step looks up while it runs: fixed memory that lives as long as the step.
final class LookupTable<T: BitwiseCopyable>: @unchecked Sendable {
  let base: UnsafeMutablePointer<T>
  let count: Int

  init(_ values: [T]) {
    count = values.count
    base = UnsafeMutablePointer<T>.allocate(capacity: max(1, values.count))
    for i in values.indices { (base + i).initialize(to: values[i]) }
  }

  deinit { base.deallocate() }

  @inline(__always)
  subscript(i: Int) -> T { base[i] }
}
