import CKernels
import SparrowCore

extension Binary {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (a, b) = (try p.input(0), try p.input(1))
    if function == .pow, a.dtype != b.dtype || a.dtype != .float32 {
      return try preparePower(&p)
    }
    let loop = ElementwiseLoop(
      p, output: p.outputs[0].shape, operands: [a.shape, b.shape],
      weight: activation == .none ? 1 : 4)
    let slots = (a: p.slot(a), b: p.slot(b), y: p.slot(p.outputs[0]))
    let inPlace = p.inPlaceInput([0, 1])
    if a.dtype == .float32, !function.compares {
      return p.floatStep(self, loop, slots, inPlace)
    }
    switch activation {
    case .none, .relu, .clip: break
    case .sigmoid, .silu, .tanh, .gelu, .hardSigmoid, .hardSwish:
      throw p.unsupported("the fused \(activation.name) does not take \(a.dtype.name)")
    }
    let visitor = BinaryVisitor(op: self, loop: loop, slots: slots, inPlaceInput: inPlace)
    if a.dtype == .bool {
      if let step = visitor.logicStep() { return step }
    } else if !function.isLogical, let step = a.dtype.accept(visitor) {
      return step ?? p.referenceStep(.binary(self))
    }
    throw p.unsupported("it does not take \(a.dtype.name)")
  }
}

extension Binary.Function {
  /// Whether it takes bools only.
  fileprivate var isLogical: Bool { self == .and || self == .or || self == .xor }
}

private typealias BinarySlots = (a: Slot, b: Slot, y: Slot)

extension Preparation {
  /// float32 arithmetic; the activation follows while a run is still in the first-level cache.
  fileprivate func floatStep(
    _ op: Binary, _ loop: ElementwiseLoop, _ slots: BinarySlots, _ inPlace: Int?
  ) -> Step {
    let binary = kernels.pointee.f32_binary
    let table = kernels
    let (kernel, activation) = (op.function.kernel, FusedActivation(op.activation))
    return Step(
      tasks: loop.chunks.tasks, kernel: "f32_binary \(isaName)", inPlaceInput: inPlace
    ) { work in
      let (a, b, y) = (work.floats(slots.a), work.floats(slots.b), work.floats(slots.y))
      loop.forEachRun(work.task) { run in
        if let kernel {
          binary(kernel, run.count, a + run.a, loop.stepA, b + run.b, loop.stepB, y + run.y)
        } else {
          combine(loop, run, a, b, y) { $0 < 0 ? $0 * $1 : $0 }  // PRelu: b is the slope
        }
        activation.apply(table, y + run.y, n: run.count)
      }
    }
  }
}

/// y = function(a, b) along one run.
@inline(__always)
private func combine<T, U>(
  _ loop: ElementwiseLoop, _ run: ElementwiseLoop.Run, _ a: UnsafeMutablePointer<T>,
  _ b: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<U>, _ function: (T, T) -> U
) {
  let (a, b, y) = (a + run.a, b + run.b, y + run.y)
  if loop.stepA == 1, loop.stepB == 1 {
    for i in 0..<run.count { y[i] = function(a[i], b[i]) }
  } else if loop.stepA == 1 {
    let second = b[0]
    for i in 0..<run.count { y[i] = function(a[i], second) }
  } else {
    let first = a[0]
    for i in 0..<run.count { y[i] = function(first, b[i * loop.stepB]) }
  }
}

/// Other element types, and comparisons.
private struct BinaryVisitor: ArithmeticVisitor {
  let op: Binary
  let loop: ElementwiseLoop
  let slots: BinarySlots
  let inPlaceInput: Int?

  /// nil for functions of bits.
  func visit<T: Arithmetic>(_ type: T.Type) -> Step? {
    switch op.function {
    case .bitwiseAnd, .bitwiseOr, .bitwiseXor: nil
    default: op.function.compares ? comparison(type) : arithmetic(type)
    }
  }

  private func comparison<T: Arithmetic>(_ type: T.Type) -> Step {
    let (function, loop, slots) = (op.function, loop, slots)
    return Step(tasks: loop.chunks.tasks, kernel: "compare", inPlaceInput: inPlaceInput) { work in
      let (a, b) = (work.pointer(slots.a, as: T.self), work.pointer(slots.b, as: T.self))
      let y = work.pointer(slots.y, as: Bool.self)
      loop.forEachRun(work.task) { run in
        switch function {
        case .equal: combine(loop, run, a, b, y) { $0 == $1 }
        case .greater: combine(loop, run, a, b, y) { $0 > $1 }
        case .greaterOrEqual: combine(loop, run, a, b, y) { $0 >= $1 }
        case .less: combine(loop, run, a, b, y) { $0 < $1 }
        case .lessOrEqual: combine(loop, run, a, b, y) { $0 <= $1 }
        default: break
        }
      }
    }
  }

  private func arithmetic<T: Arithmetic>(_ type: T.Type) -> Step {
    let (function, loop, slots) = (op.function, loop, slots)
    let bounds = op.activation == .none ? nil : op.activation.clamp
    let clamp = bounds.map { (low: T(real: Double($0.low)), high: T(real: Double($0.high))) }
    return Step(tasks: loop.chunks.tasks, kernel: "binary", inPlaceInput: inPlaceInput) { work in
      let (a, b) = (work.pointer(slots.a, as: T.self), work.pointer(slots.b, as: T.self))
      let y = work.pointer(slots.y, as: T.self)
      var divisorsAreFine = true
      loop.forEachRun(work.task) { run in
        switch function {
        case .add: combine(loop, run, a, b, y) { T.add($0, $1) }
        case .sub: combine(loop, run, a, b, y) { T.subtract($0, $1) }
        case .mul: combine(loop, run, a, b, y) { T.multiply($0, $1) }
        case .min: combine(loop, run, a, b, y) { T.smaller($0, $1) }
        case .max: combine(loop, run, a, b, y) { T.larger($0, $1) }
        case .prelu: combine(loop, run, a, b, y) { $0 < T.zero ? T.multiply($0, $1) : $0 }
        case .div:
          combine(loop, run, a, b, y) {
            if $1.isForbiddenDivisor { divisorsAreFine = false }
            return T.divide($0, $1)
          }
        default: break
        }
        if let clamp {
          let y = y + run.y
          for i in 0..<run.count { y[i] = T.smaller(T.larger(y[i], clamp.low), clamp.high) }
        }
      }
      if !divisorsAreFine { work.fail(.divisionByZero) }
    }
  }

  /// And, Or, Xor and Equal of bools; nil for the other functions.
  func logicStep() -> Step? {
    let (function, loop, slots) = (op.function, loop, slots)
    guard function.isLogical || function == .equal else { return nil }
    return Step(tasks: loop.chunks.tasks, kernel: "logic", inPlaceInput: inPlaceInput) { work in
      let (a, b) = (work.pointer(slots.a, as: UInt8.self), work.pointer(slots.b, as: UInt8.self))
      let y = work.pointer(slots.y, as: UInt8.self)
      loop.forEachRun(work.task) { run in
        switch function {
        case .and: combine(loop, run, a, b, y) { $0 & $1 }
        case .or: combine(loop, run, a, b, y) { $0 | $1 }
        case .xor: combine(loop, run, a, b, y) { $0 ^ $1 }
        default: combine(loop, run, a, b, y) { ($0 ^ $1) ^ 1 }
        }
      }
    }
  }
}
