import SparrowCore

extension Cast {
  /// Casts go through the widest type of their kind, a block at a time: Int64 or UInt64 for
  /// integers and bools, Double for floating point. Floating point to integer truncates, saturates,
  /// and makes NaN 0; integer to narrower integer keeps the low bits.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    guard x.dtype != to else { return try p.copyStep() }
    if x.dtype.isSmall || to.isSmall { return p.referenceStep(.cast(self)) }
    let chunks = Chunks(x.count, tasks: p.tasks(work: x.count * 2, limit: 64), unit: blockLength)
    let buffers = p.scratch(bytes: chunks.tasks * blockLength * MemoryLayout<UInt64>.stride)
    let (from, to, source, target) = (p.slot(x), p.slot(p.outputs[0]), x.dtype, self.to)
    let sizes = (source.size, target.size)
    return Step(
      tasks: chunks.tasks, kernel: "cast", inPlaceInput: p.inPlaceInput([0])
    ) { work in
      let buffer = work.raw(buffers) + work.task * blockLength * MemoryLayout<UInt64>.stride
      let range = chunks.range(work.task)
      var first = range.lowerBound
      while first < range.upperBound {
        let count = min(blockLength, range.upperBound - first)
        let (x, y) = (work.raw(from) + first * sizes.0, work.raw(to) + first * sizes.1)
        widen(source, x, count, buffer)
        narrow(source, buffer, count, target, y)
        first += count
      }
    }
  }
}

private let blockLength = 256

/// What a block holds between reading and writing.
private enum Wide { case signed, unsigned, real }

extension DType {
  fileprivate var wide: Wide {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .bool: .signed
    case .uint64: .unsigned
    case .float32, .float64, .float16, .bfloat16: .real
    default: .signed
    }
  }
}

@inline(__always)
private func convert<T, U>(
  _ x: UnsafeMutableRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int, _ function: (T) -> U
) {
  let (x, y) = (x.assumingMemoryBound(to: T.self), y.assumingMemoryBound(to: U.self))
  for i in 0..<count { y[i] = function(x[i]) }
}

private func widen(
  _ source: DType, _ x: UnsafeMutableRawPointer, _ n: Int, _ buffer: UnsafeMutableRawPointer
) {
  switch source {
  case .int8: convert(x, buffer, n) { (v: Int8) in Int64(v) }
  case .int16: convert(x, buffer, n) { (v: Int16) in Int64(v) }
  case .int32: convert(x, buffer, n) { (v: Int32) in Int64(v) }
  case .int64: convert(x, buffer, n) { (v: Int64) in v }
  case .uint8: convert(x, buffer, n) { (v: UInt8) in Int64(v) }
  case .uint16: convert(x, buffer, n) { (v: UInt16) in Int64(v) }
  case .uint32: convert(x, buffer, n) { (v: UInt32) in Int64(v) }
  case .uint64: convert(x, buffer, n) { (v: UInt64) in v }
  case .bool: convert(x, buffer, n) { (v: UInt8) in v == 0 ? 0 : 1 as Int64 }
  case .float32: convert(x, buffer, n) { (v: Float) in Double(v) }
  case .float64: convert(x, buffer, n) { (v: Double) in v }
  case .float16:
    convert(x, buffer, n) { (v: UInt16) in Double(HalfPrecision.float(fromFloat16: v)) }
  case .bfloat16:
    convert(x, buffer, n) { (v: UInt16) in Double(HalfPrecision.float(fromBFloat16: v)) }
  default: break
  }
}

private func narrow(
  _ source: DType, _ buffer: UnsafeMutableRawPointer, _ n: Int, _ target: DType,
  _ y: UnsafeMutableRawPointer
) {
  switch target {
  case .int8: narrowToInteger(source, buffer, n, y, Int8.self)
  case .int16: narrowToInteger(source, buffer, n, y, Int16.self)
  case .int32: narrowToInteger(source, buffer, n, y, Int32.self)
  case .int64: narrowToInteger(source, buffer, n, y, Int64.self)
  case .uint8: narrowToInteger(source, buffer, n, y, UInt8.self)
  case .uint16: narrowToInteger(source, buffer, n, y, UInt16.self)
  case .uint32: narrowToInteger(source, buffer, n, y, UInt32.self)
  case .uint64: narrowToInteger(source, buffer, n, y, UInt64.self)
  case .bool:
    if source.wide == .real {
      convert(buffer, y, n) { (v: Double) in v != 0 }
    } else {
      convert(buffer, y, n) { (v: UInt64) in v != 0 }
    }
  case .float64:
    switch source.wide {
    case .signed: convert(buffer, y, n) { (v: Int64) in Double(v) }
    case .unsigned: convert(buffer, y, n) { (v: UInt64) in Double(v) }
    case .real: convert(buffer, y, n) { (v: Double) in v }
    }
  case .float32: narrowToFloat(source, buffer, n, y) { $0 }
  case .float16: narrowToFloat(source, buffer, n, y) { HalfPrecision.float16($0) }
  case .bfloat16: narrowToFloat(source, buffer, n, y) { HalfPrecision.bfloat16($0) }
  default: break
  }
}

@inline(__always)
private func narrowToFloat<T>(
  _ source: DType, _ buffer: UnsafeMutableRawPointer, _ n: Int, _ y: UnsafeMutableRawPointer,
  _ encode: (Float) -> T
) {
  switch source.wide {
  case .signed: convert(buffer, y, n) { (v: Int64) in encode(Float(v)) }
  case .unsigned: convert(buffer, y, n) { (v: UInt64) in encode(Float(v)) }
  case .real: convert(buffer, y, n) { (v: Double) in encode(Float(v)) }
  }
}

private func narrowToInteger<T: Arithmetic & FixedWidthInteger>(
  _ source: DType, _ buffer: UnsafeMutableRawPointer, _ n: Int, _ y: UnsafeMutableRawPointer,
  _ type: T.Type
) {
  switch source.wide {
  case .signed, .unsigned: convert(buffer, y, n) { (v: UInt64) in T(truncatingIfNeeded: v) }
  case .real: convert(buffer, y, n) { (v: Double) in T(real: v) }
  }
}
