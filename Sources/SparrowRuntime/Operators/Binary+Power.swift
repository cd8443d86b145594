import CPlatform
import SparrowCore

extension Binary {
  /// Pow whose exponent has a type of its own, and of types other than float32.
  func preparePower(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (base, exponent) = (try p.input(0), try p.input(1))
    guard activation == .none else {
      throw p.unsupported("Pow of \(base.dtype.name) takes no fused activation")
    }
    let loop = ElementwiseLoop(
      p, output: p.outputs[0].shape, operands: [base.shape, exponent.shape], weight: 16)
    let outer = BaseVisitor(
      loop: loop, base: p.slot(base), exponent: p.slot(exponent), y: p.slot(p.outputs[0]),
      exponentType: exponent.dtype, inPlaceInput: p.inPlaceInput([0]))
    let step: Step? =
      switch base.dtype {
      case .float32: outer.realBase(Float.self)
      case .float64: outer.realBase(Double.self)
      case .int32: outer.wholeBase(Int32.self)
      case .int64: outer.wholeBase(Int64.self)
      default: nil
      }
    return step ?? p.referenceStep(.binary(self))
  }
}

private struct BaseVisitor {
  let loop: ElementwiseLoop
  let base: Slot
  let exponent: Slot
  let y: Slot
  let exponentType: DType
  let inPlaceInput: Int?

  func realBase<T: Arithmetic>(_ type: T.Type) -> Step? {
    switch exponentType {
    case .float32: reals(type, Float.self)
    case .float64: reals(type, Double.self)
    case .int32: reals(type, Int32.self)
    case .int64: reals(type, Int64.self)
    case .uint32: reals(type, UInt32.self)
    case .uint64: reals(type, UInt64.self)
    default: nil
    }
  }

  func wholeBase<T: Arithmetic>(_ type: T.Type) -> Step? {
    switch exponentType {
    case .float32: reals(type, Float.self)
    case .float64: reals(type, Double.self)
    case .int32: whole(type, Int32.self)
    case .int64: whole(type, Int64.self)
    case .uint32: whole(type, UInt32.self)
    case .uint64: whole(type, UInt64.self)
    default: nil
    }
  }

  private func map<T: Arithmetic, U: Arithmetic>(
    _ type: T.Type, _ power: U.Type, _ function: @escaping (T, U) -> T
  ) -> Step {
    let (loop, base, exponent, y) = (loop, base, exponent, y)
    return Step(tasks: loop.chunks.tasks, kernel: "pow", inPlaceInput: inPlaceInput) { work in
      let (a, b) = (work.pointer(base, as: T.self), work.pointer(exponent, as: U.self))
      let y = work.pointer(y, as: T.self)
      loop.forEachRun(work.task) { run in
        for i in 0..<run.count {
          y[run.y + i] = function(a[run.a + i * loop.stepA], b[run.b + i * loop.stepB])
        }
      }
    }
  }

  private func reals<T: Arithmetic, U: Arithmetic>(_ type: T.Type, _ power: U.Type) -> Step {
    map(type, power) { T(real: sp_pow($0.real, $1.real)) }
  }

  /// Integers to integer powers, exact and wrapping around; negative powers truncate to 0 except of
  /// 1 and -1.
  private func whole<T: Arithmetic, U: Arithmetic & BinaryInteger>(
    _ type: T.Type, _ power: U.Type
  ) -> Step {
    map(type, power) { base, power in
      if power < 0 {
        if base == T.one { return base }
        guard T.add(base, T.one) == T.zero else { return T.zero }
        return power & 1 == 0 ? T.one : base
      }
      var (result, square, rest) = (T.one, base, power)
      while rest > 0 {
        if rest & 1 == 1 { result = T.multiply(result, square) }
        square = T.multiply(square, square)
        rest >>= 1
      }
      return result
    }
  }
}
