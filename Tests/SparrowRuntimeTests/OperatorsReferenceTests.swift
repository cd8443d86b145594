import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

/// Fast paths against the operators' reference implementations.
@Suite struct OperatorsReferenceTests {
  private func agrees(
    _ op: Op, _ inputs: [Tensor?], tolerance: Double = floatTolerance, constant: Set<Int> = []
  ) throws -> Bool {
    let found = try run(op, inputs, constant: constant)[0]
    let expected = try op.compute(Operands(inputs))[0]
    guard found.dtype == expected.dtype, found.shape == expected.shape else { return false }
    if !found.dtype.isFloatingPoint { return found == expected }
    return isClose(found, expected.doubles, tolerance: tolerance)
  }

  private func cast(_ tensor: Tensor, _ dtype: DType) -> Tensor {
    Tensor(dtype, tensor.shape, doubles: tensor.doubles)
  }

  private static let numeric: [DType] = [
    .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64,
  ]

  @Test(arguments: Unary.Function.allCases)
  func unaryFunctions(_ function: Unary.Function) throws {
    guard function != .not, function != .bitwiseNot else { return }
    let x = random([3, 333], seed: 21, scale: 4)
    var op = Unary(function)
    if function == .celu || function == .swish { op.alpha = 1.5 }
    for (dtype, tolerance) in [(.float32, floatTolerance), (.float64, 1e-12), (.float16, 2e-3)]
      as [(DType, Double)]
    {
      let operand = cast(x, dtype)
      #expect(try agrees(.unary(op), [operand], tolerance: tolerance), "\(dtype)")
    }
  }

  @Test(arguments: numeric)
  func integerFunctions(_ dtype: DType) throws {
    let x = cast(random([60], seed: 22, scale: 100), dtype)
    let y = cast(random([4, 1], seed: 23, scale: 7), dtype)
    for function in [.abs, .bitwiseNot, .neg, .relu, .sign, .shrink] as [Unary.Function] {
      #expect(try agrees(.unary(Unary(function)), [x]), "\(function)")
    }
    for function in Binary.Function.allCases {
      guard ![.and, .or, .xor, .div].contains(function) else { continue }
      #expect(try agrees(.binary(Binary(function)), [x, y]), "\(function)")
    }
    for kind in Reduce.Kind.allCases {
      #expect(try agrees(.reduce(Reduce(kind)), [x, nil]), "\(kind)")
    }
    var arg = ArgExtreme(isMax: false)
    arg.selectsLast = true
    #expect(try agrees(.argExtreme(arg), [x]))
    #expect(try agrees(.clip(Clip()), [x, nil, Tensor(dtype, [], integers: [5])]))
    #expect(try agrees(.gemm(Gemm()), [x.reshaped([6, 10]), x.reshaped([10, 6])]))
    #expect(try agrees(.matMul(MatMul()), [x.reshaped([6, 10]), x.reshaped([10, 6])]))
  }

  @Test(arguments: DType.allCases)
  func casts(_ source: DType) throws {
    let x = cast(random([3, 50], seed: 24, scale: 90), source)
    for target in DType.allCases {
      #expect(try agrees(.cast(Cast(to: target)), [x]), "\(target)")
    }
  }

  @Test(arguments: Reduce.Kind.allCases)
  func reductions(_ kind: Reduce.Kind) throws {
    for (shape, axes) in [
      ([5, 3000], [1]), ([5, 3000], [0]), ([2, 3, 40, 5], [1, 3]), ([2, 3, 40, 5], [0, 2]),
      ([2, 0, 3], [1]), ([2, 0], [1]), ([3, 0], [0]), ([], []),
    ] as [([Int], [Int])] {
      // Positive, so that logarithms of sums are defined and nothing cancels.
      let x = try run(.unary(Unary(.abs)), [random(shape, seed: 25)])[0]
      let given: Tensor? = axes.isEmpty ? nil : integers(axes)
      let op = Op.reduce(Reduce(kind))
      #expect(try agrees(op, [x, given], tolerance: 1e-5, constant: [1]), "\(shape) \(axes)")
      #expect(
        try agrees(op, [cast(x, .float64), given], tolerance: 1e-12, constant: [1]),
        "\(shape) \(axes)")
      #expect(
        try agrees(op, [cast(x, .float16), given], tolerance: 2e-3, constant: [1]),
        "\(shape) \(axes)")
    }
  }

  @Test(
    arguments: [
      ([2, 6, 5, 7], 2), ([2, 6, 5, 7], nil), ([1, 32, 40, 40], 8), ([3, 4], 2),
      ([2, 4, 0], 2), ([2, 6, 1300], 6),
    ] as [([Int], Int?)])
  func groupNormalization(_ shape: [Int], _ groups: Int?) throws {
    let x = random(shape, seed: 26, scale: 3)
    let parameters = [random([shape[1]], seed: 27), random([shape[1]], seed: 28)]
    let op = Op.groupNormalization(GroupNormalization(groups: groups))
    #expect(try agrees(op, [x] + parameters, tolerance: 1e-5))
    let wide = ([x] + parameters).map { cast($0, .float64) }
    #expect(try agrees(op, wide, tolerance: 1e-12))
    let half = ([x] + parameters).map { cast($0, .float16) }
    #expect(try agrees(op, half, tolerance: 4e-3))
  }

  @Test(
    arguments: [
      ([4, 33], -1, [33]), ([2, 3, 8, 5], 2, [8, 5]), ([2, 3, 8, 5], 1, [5]),
      ([40, 768], 1, [768]), ([3, 0], 1, [0]),
    ] as [([Int], Int, [Int])])
  func rootMeanSquareNormalization(_ shape: [Int], _ axis: Int, _ scale: [Int]) throws {
    let x = random(shape, seed: 29, scale: 3)
    let op = Op.rmsNormalization(RMSNormalization(axis: axis))
    let factors = random(scale, seed: 30)
    #expect(try agrees(op, [x, factors], tolerance: 1e-5))
    #expect(try agrees(op, [cast(x, .float64), cast(factors, .float64)], tolerance: 1e-12))
    #expect(try agrees(op, [cast(x, .float16), factors], tolerance: 1e-5))
  }

  @Test(arguments: [1, 2, 3, 5, 40])
  func localResponseNormalization(_ size: Int) throws {
    var op = LRN()
    (op.size, op.alpha) = (size, 0.5)
    for shape in [[2, 7, 5, 3], [1, 16, 30, 30], [3, 4], [2, 3, 0]] {
      let x = random(shape, seed: 31, scale: 3)
      #expect(try agrees(.lrn(op), [x], tolerance: 1e-5))
      #expect(try agrees(.lrn(op), [cast(x, .float64)], tolerance: 1e-12))
    }
  }

  @Test(
    arguments: [
      ("ij,jk->ik", [4, 5], [5, 6]), ("ij,jk->ki", [4, 5], [5, 6]),
      ("bij,bjk->bik", [3, 4, 5], [3, 5, 6]),
      ("bqhd,bkhd->bhqk", [2, 4, 3, 8], [2, 5, 3, 8]),
      ("bhqk,bkhd->bqhd", [2, 3, 4, 5], [2, 5, 3, 8]),
      ("i,j->ij", [4], [5]), ("i,i->", [9], [9]), ("ij,ij->i", [4, 5], [4, 5]),
      ("ij,k->i", [4, 5], [3]),
      ("...ij,jk->...ik", [2, 3, 4, 5], [5, 6]), ("...ij,...jk->...ik", [2, 1, 4, 5], [3, 5, 6]),
      ("abcd,cdef->abef", [2, 3, 4, 5], [4, 5, 6, 7]), ("ii,ij->ij", [4, 4], [4, 5]),
      ("ij,jk->ik", [0, 5], [5, 6]), ("ij,jk->ik", [4, 0], [0, 6]),
      ("ibc,bjc->bij", [3, 2, 4], [2, 5, 4]),
    ] as [(String, [Int], [Int])])
  func einsum(_ equation: String, _ a: [Int], _ b: [Int]) throws {
    let (x, y) = (random(a, seed: 32), random(b, seed: 33))
    let op = Op.einsum(Einsum(equation))
    #expect(try agrees(op, [x, y], tolerance: 1e-5))
    #expect(try agrees(op, [cast(x, .float64), cast(y, .float64)], tolerance: 1e-12))
    #expect(try agrees(op, [cast(x, .bfloat16), cast(y, .bfloat16)], tolerance: 2e-2))
  }

  @Test func normalizationsBroadcastTheirParameters() throws {
    let x = random([3, 4, 5], seed: 34)
    let op = Op.layerNormalization(LayerNormalization(axis: 1))
    #expect(try agrees(op, [x, random([5], seed: 35), random([4, 1], seed: 36)], tolerance: 1e-5))
    let inputs: [Tensor?] = [x, random([4, 5], seed: 37)]
    let found = try run(op, inputs, outputs: 3)
    #expect(found == (try op.compute(Operands(inputs, outputCount: 3))))
    let parameters = (0..<4).map {
      cast(Tensor([0.5, 1, 2, 1], shape: [4]), $0 == 0 ? .float64 : .float32)
    }
    #expect(
      try agrees(.batchNormalization(BatchNormalization()), [x] + parameters, tolerance: 1e-5))
  }
}
