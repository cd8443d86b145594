import CKernels
import CPlatform
import SparrowCore

extension Unary {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    if x.dtype == .float32, let kernel { return p.unaryStep(kernel, weight: weight) }
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
    guard let step else { throw p.unsupported("it does not take \(x.dtype.name)") }
    return step
  }

  /// How many additions one element costs, roughly.
  private var weight: Int {
    switch function {
    case .abs, .ceil, .floor, .hardSigmoid, .hardSwish, .isNaN, .leakyRelu, .neg, .not, .relu,
      .round, .sign:
      1
    case .reciprocal, .softsign, .sqrt: 4
    case .cos, .elu, .erf, .exp, .gelu, .log, .sigmoid, .sin, .softplus, .tanh: 8
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
    case .float64: map(Double.self, realFunction)
    case .float32: op.function == .softsign ? map(Float.self) { $0 / (1 + abs($0)) } : nil
    case .int8: integers(Int8.self)
    case .int16: integers(Int16.self)
    case .int32: integers(Int32.self)
    case .int64: integers(Int64.self)
    case .uint8: integers(UInt8.self)
    case .uint16: integers(UInt16.self)
    case .uint32: integers(UInt32.self)
    case .uint64: integers(UInt64.self)
    case .bool, .float16, .bfloat16: nil
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
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: nil
    }
  }

  private func integers<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step? {
    switch op.function {
    case .abs: map(T.self) { $0 < 0 ? 0 &- $0 : $0 }
    case .neg: map(T.self) { 0 &- $0 }
    case .relu: map(T.self) { $0 < 0 ? 0 : $0 }
    case .sign: map(T.self) { $0.signum() }
    case .ceil, .floor, .round: map(T.self) { $0 }
    case .cos, .elu, .erf, .exp, .gelu, .hardSigmoid, .hardSwish, .isNaN, .leakyRelu, .log, .not,
      .reciprocal, .sigmoid, .sin, .softplus, .softsign, .sqrt, .tanh:
      nil
    }
  }

  private var realFunction: (Double) -> Double {
    let (alpha, beta) = (Double(op.alpha), Double(op.beta))
    switch op.function {
    case .abs: return { abs($0) }
    case .ceil: return { $0.rounded(.up) }
    case .cos: return { sp_cos($0) }
    case .elu: return { $0 < 0 ? alpha * sp_expm1($0) : $0 }
    case .erf: return { sp_erf($0) }
    case .exp: return { sp_exp($0) }
    case .floor: return { $0.rounded(.down) }
    case .gelu where op.approximation == .tanh:
      return { 0.5 * $0 * (1 + sp_tanh(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0))) }
    case .gelu: return { 0.5 * $0 * (1 + sp_erf($0 * 0.7071067811865476)) }
    case .hardSigmoid: return { clamped(alpha * $0 + beta) }
    case .hardSwish: return { $0 * clamped($0 / 6 + 0.5) }
    case .leakyRelu: return { $0 < 0 ? alpha * $0 : $0 }
    case .log: return { sp_log($0) }
    case .neg: return { -$0 }
    case .reciprocal: return { 1 / $0 }
    case .relu: return { $0 < 0 ? 0 : $0 }
    case .round: return { $0.rounded(.toNearestOrEven) }
    case .sigmoid: return { 1 / (1 + sp_exp(-$0)) }
    case .sign: return { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .sin: return { sp_sin($0) }
    case .softplus: return { max($0, 0) + sp_log1p(sp_exp(-abs($0))) }
    case .softsign: return { $0 / (1 + abs($0)) }
    case .sqrt: return { $0.squareRoot() }
    case .tanh: return { sp_tanh($0) }
    case .isNaN, .not: return { $0 }
    }
  }
}

private func clamped(_ x: Double) -> Double { x < 0 ? 0 : x > 1 ? 1 : x }
