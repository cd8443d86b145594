import CKernels
import SparrowCore

extension Unary {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    if x.dtype == .float32 {
      if let kernel { return p.unaryStep(kernel, weight: weight) }
      if let step = p.gatedStep(self) { return step }
    }
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    let tasks = p.tasks(work: x.count * weight, limit: 64)
    let loop = UnaryLoop(
      op: self, from: from, to: to, chunks: Chunks(x.count, tasks: tasks, unit: 64),
      inPlaceInput: p.inPlaceInput([0]))
    let step: Step?
    switch function {
    case .not: step = x.dtype == .bool ? loop.not() : nil
    case .isNaN: step = loop.isNaN(x.dtype)
    default: step = loop.step(x.dtype)
    }
    if let step { return step }
    guard isWhole(x.dtype) else { throw p.unsupported("it does not take \(x.dtype.name)") }
    return p.referenceStep(.unary(self))
  }

  /// Whether the reference implementation takes integers of that type.
  private func isWhole(_ dtype: DType) -> Bool {
    !dtype.isFloatingPoint && dtype != .bool && function == .shrink
  }

  /// How many additions one element costs, roughly.
  private var weight: Int {
    switch function {
    case .abs, .bitwiseNot, .ceil, .floor, .hardSigmoid, .hardSwish, .isNaN, .leakyRelu, .neg, .not,
      .relu, .round, .shrink, .sign, .thresholdedRelu:
      1
    case .reciprocal, .softsign, .sqrt: 4
    case .celu, .cos, .elu, .erf, .exp, .gelu, .log, .selu, .sigmoid, .sin, .softplus, .tanh: 8
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .cosh, .mish, .sinh, .swish, .tan: 16
    }
  }
}

extension Preparation {
  /// Output 0 = kernel(input 0), element by element.
  mutating func unaryStep(_ kernel: UnaryKernel, weight: Int) -> Step {
    let (from, to) = (slot(inputs[0] ?? outputs[0]), slot(outputs[0]))
    let count = outputs[0].count
    let chunks = Chunks(count, tasks: tasks(work: count * weight, limit: 64), unit: 64)
    let run = kernels.pointee.f32_unary
    return Step(
      tasks: chunks.tasks, kernel: "f32_unary \(isaName)", inPlaceInput: inPlaceInput([0])
    ) { work in
      let range = chunks.range(work.task)
      run(
        kernel.function, range.count, work.floats(from) + range.lowerBound,
        work.floats(to) + range.lowerBound, kernel.first, kernel.second)
    }
  }

  /// Mish, Swish, Selu and Celu of float32 as a few kernels, one after the other over pieces that
  /// stay in the first-level cache; nil for other functions.
  fileprivate mutating func gatedStep(_ op: Unary) -> Step? {
    switch op.function {
    case .celu where op.alpha != 0, .mish, .selu, .swish: break
    default: return nil
    }
    let (from, to) = (slot(inputs[0] ?? outputs[0]), slot(outputs[0]))
    let count = outputs[0].count
    let chunks = Chunks(count, tasks: tasks(work: count * 16, limit: 64), unit: 64)
    let buffers = scratch(bytes: chunks.tasks * gatePiece * MemoryLayout<Float>.stride)
    let kernels = GateKernels(op, kernels)
    return Step(
      tasks: chunks.tasks, kernel: "f32_unary \(isaName)", inPlaceInput: inPlaceInput([0])
    ) { work in
      let range = chunks.range(work.task)
      let buffer = work.floats(buffers) + work.task * gatePiece
      var first = range.lowerBound
      while first < range.upperBound {
        let n = min(gatePiece, range.upperBound - first)
        kernels.apply(n, work.floats(from) + first, work.floats(to) + first, buffer)
        first += n
      }
    }
  }
}

/// How many elements go through all kernels of a function before the next ones do.
private let gatePiece = 1024

/// Functions made of others.
private struct GateKernels {
  private let function: Unary.Function
  private let alpha: Float
  private let beta: Float
  private let table: UnsafePointer<sp_kernel_table>

  init(_ op: Unary, _ table: UnsafePointer<sp_kernel_table>) {
    (function, alpha, beta, self.table) = (op.function, op.alpha, op.beta, table)
  }

  /// y may be x, and the buffer is neither.
  func apply(
    _ n: Int, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ buffer: UnsafeMutablePointer<Float>
  ) {
    let (unary, scale) = (table.pointee.f32_unary, table.pointee.f32_scale_shift)
    switch function {
    case .mish:
      unary(SP_UNARY_SOFTPLUS, n, x, buffer, 0, 0)
      unary(SP_UNARY_TANH, n, buffer, buffer, 0, 0)
      table.pointee.f32_binary(SP_BINARY_MUL, n, x, 1, buffer, 1, y)
    case .swish:
      scale(n, x, alpha, 0, buffer)
      unary(SP_UNARY_SIGMOID, n, buffer, buffer, 0, 0)
      table.pointee.f32_binary(SP_BINARY_MUL, n, x, 1, buffer, 1, y)
    case .selu:
      unary(SP_UNARY_ELU, n, x, y, alpha, 0)
      scale(n, y, beta, 0, y)
    default:  // Celu: alpha * elu(x / alpha)
      scale(n, x, 1 / alpha, 0, y)
      unary(SP_UNARY_ELU, n, y, y, 1, 0)
      scale(n, y, alpha, 0, y)
    }
  }
}

/// The element types and functions that no kernel computes.
private struct UnaryLoop {
  let op: Unary
  let from: Slot
  let to: Slot
  let chunks: Chunks
  let inPlaceInput: Int?

  func step(_ dtype: DType) -> Step? {
    switch dtype {
    case .float64: op.realFunction.map { map(Double.self, $0) }
    case .float32: floats()
    case .int8: integers(Int8.self)
    case .int16: integers(Int16.self)
    case .int32: integers(Int32.self)
    case .int64: integers(Int64.self)
    case .uint8: integers(UInt8.self)
    case .uint16: integers(UInt16.self)
    case .uint32: integers(UInt32.self)
    case .uint64: integers(UInt64.self)
    default: nil
    }
  }

  private func floats() -> Step? {
    let (alpha, beta) = (op.alpha, op.beta)
    switch op.function {
    case .softsign: return map(Float.self) { $0 / (1 + abs($0)) }
    case .thresholdedRelu: return map(Float.self) { $0 > alpha ? $0 : 0 }
    case .shrink:
      return map(Float.self) { $0 < -alpha ? $0 + beta : $0 > alpha ? $0 - beta : 0 }
    default:
      return op.realFunction.map { function in map(Float.self) { Float(function(Double($0))) } }
    }
  }

  private func map<T, U>(_ type: T.Type, _ function: @escaping (T) -> U) -> Step {
    Step(tasks: chunks.tasks, kernel: "unary", inPlaceInput: inPlaceInput) { work in
      let (x, y) = (work.pointer(from, as: T.self), work.pointer(to, as: U.self))
      for i in chunks.range(work.task) { y[i] = function(x[i]) }
    }
  }

  func not() -> Step { map(UInt8.self) { $0 == 0 ? 1 : 0 as UInt8 } }

  func isNaN(_ dtype: DType) -> Step? {
    switch dtype {
    case .float32: map(Float.self) { $0.isNaN }
    case .float64: map(Double.self) { $0.isNaN }
    case .float16: map(UInt16.self) { $0 & 0x7fff > 0x7c00 }
    case .bfloat16: map(UInt16.self) { $0 & 0x7fff > 0x7f80 }
    default: nil
    }
  }

  private func integers<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step? {
    switch op.function {
    case .abs: map(T.self) { $0 < 0 ? 0 &- $0 : $0 }
    case .bitwiseNot: map(T.self) { ~$0 }
    case .neg: map(T.self) { 0 &- $0 }
    case .relu: map(T.self) { $0 < 0 ? 0 : $0 }
    case .sign: map(T.self) { $0.signum() }
    case .ceil, .floor, .round: map(T.self) { $0 }
    default: nil
    }
  }
}
