import SparrowCore
import Testing

/// Results of one operator's reference implementation.
func compute(_ op: Op, _ inputs: Tensor?..., outputs: Int = 1) throws -> [Tensor] {
  try op.compute(Operands(inputs, outputCount: outputs))
}

@Suite struct ElementwiseTests {
  @Test func remaindersHaveTheSignOfOneOperand() throws {
    let (a, b) = (
      Tensor([-4, 7, 5, 4, -7, 8] as [Int32]), Tensor([2, -3, 8, -2, 3, 5] as [Int32])
    )
    var mod = Mod()
    #expect(try compute(.mod(mod), a, b) == [Tensor([0, -2, 5, 0, 2, 3] as [Int32])])
    mod.truncates = true
    #expect(try compute(.mod(mod), a, b) == [Tensor([0, 1, 5, 0, -1, 3] as [Int32])])
    let (x, y) = (Tensor([-4.5, 5] as [Float]), Tensor([2, -3] as [Float]))
    #expect(try compute(.mod(mod), x, y) == [Tensor([-0.5, 2] as [Float])])
    let big = Tensor([UInt64.max, 9], shape: [2])
    #expect(
      try compute(.mod(Mod()), big, Tensor([10, 4] as [UInt64])) == [Tensor([5, 1] as [UInt64])])
    #expect(
      try compute(.mod(Mod()), Tensor([Int64.min]), Tensor([Int64(-1)])) == [Tensor([Int64(0)])])
    #expect(throws: ComputeError.self) { try compute(.mod(Mod()), a, Tensor([0] as [Int32])) }
  }

  @Test func shiftsMoveBits() throws {
    var shift = BitShift()
    let x = Tensor([1, 255, 16, 3] as [UInt8])
    let places = Tensor([1, 4, 9, 0] as [UInt8])
    #expect(try compute(.bitShift(shift), x, places) == [Tensor([2, 240, 0, 3] as [UInt8])])
    shift.direction = .right
    #expect(try compute(.bitShift(shift), x, places) == [Tensor([0, 15, 0, 3] as [UInt8])])
    let signed = Tensor([-8, -8, 7] as [Int32])
    let by = Tensor([1, -1, 40] as [Int32])
    #expect(try compute(.bitShift(shift), signed, by) == [Tensor([-4, -1, 0] as [Int32])])
    #expect(
      try compute(.bitShift(shift), Tensor([UInt64.max]), Tensor([UInt64(63)]))
        == [Tensor([UInt64(1)])])
  }

  @Test func bitwiseFunctionsOfIntegers() throws {
    let (a, b) = (Tensor([12, -1] as [Int16]), Tensor([10, 7] as [Int16]))
    #expect(try compute(.binary(Binary(.bitwiseAnd)), a, b) == [Tensor([8, 7] as [Int16])])
    #expect(try compute(.binary(Binary(.bitwiseOr)), a, b) == [Tensor([14, -1] as [Int16])])
    #expect(try compute(.binary(Binary(.bitwiseXor)), a, b) == [Tensor([6, -8] as [Int16])])
    #expect(
      try compute(.unary(Unary(.bitwiseNot)), Tensor([0, 200] as [UInt8]))
        == [Tensor([255, 55] as [UInt8])])
  }

  @Test func bitsKeepTheirMeaningInAnotherType() throws {
    #expect(
      try compute(.bitCast(BitCast(to: .int32)), Tensor([Float(1), -0.0]))
        == [Tensor([0x3f80_0000, Int32.min])])
  }

  @Test func infinitiesOfEitherSign() throws {
    let x = Tensor([Float.infinity, -.infinity, .nan, 3])
    var op = IsInf()
    #expect(try compute(.isInf(op), x) == [Tensor([true, true, false, false])])
    op.detectsNegative = false
    #expect(try compute(.isInf(op), x) == [Tensor([true, false, false, false])])
  }

  @Test func clipOrdersUnsignedNumbers() throws {
    let x = Tensor([1, UInt64.max, 1 << 63])
    #expect(
      try compute(.clip(Clip()), x, Tensor(scalar: UInt64(5)), Tensor(scalar: UInt64.max - 1))
        == [Tensor([5, UInt64.max - 1, 1 << 63])])
    #expect(
      try compute(.clip(Clip()), Tensor([1, 9] as [Int8]), nil, Tensor(scalar: Int8(4)))
        == [Tensor([1, 4] as [Int8])])
    // Where the bounds contradict each other the upper one holds.
    #expect(
      try compute(
        .clip(Clip()), Tensor([Float(1)]), Tensor(scalar: Float(7)), Tensor(scalar: Float(3)))
        == [Tensor([Float(3)])])
  }

  @Test func castsTruncateAndSaturate() throws {
    let x = Tensor([-1.7, 300, .nan, 2.5] as [Float])
    #expect(try compute(.cast(Cast(to: .uint8)), x) == [Tensor([0, 255, 0, 2] as [UInt8])])
    #expect(try compute(.cast(Cast(to: .bool)), x) == [Tensor([true, true, true, true])])
    let wide = Tensor([256 + 7, -1] as [Int32])
    #expect(try compute(.cast(Cast(to: .int8)), wide) == [Tensor([7, -1] as [Int8])])
    #expect(
      try compute(.cast(Cast(to: .float64)), Tensor([UInt64.max])) == [Tensor([0x1p64])])
  }

  @Test func integerPowersWrapAround() throws {
    let base = Tensor([3, -1, 2, -2] as [Int32])
    let power = Tensor([4, -3, -1, 33] as [Int64])
    #expect(
      try compute(.binary(Binary(.pow)), base, power) == [Tensor([81, -1, 0, 0] as [Int32])])
    let unsigned = Tensor([3, 16] as [UInt8])
    #expect(
      try compute(.binary(Binary(.pow)), unsigned, Tensor([2, 2] as [UInt8]))
        == [Tensor([9, 0] as [UInt8])])
    #expect(throws: ComputeError.self) {
      try compute(.binary(Binary(.div)), base, Tensor([Int32(0)]))
    }
    #expect(throws: ComputeError.self) {
      try compute(.binary(Binary(.add)), base, Tensor([1, 2] as [Int32]))
    }
  }

  @Test func whereChoosesBetweenBroadcastValues() throws {
    let condition = Tensor([true, false], shape: [2, 1])
    #expect(
      try compute(.where(Where()), condition, Tensor([1, 2] as [Int8]), Tensor(scalar: Int8(9)))
        == [Tensor([1, 2, 9, 9] as [Int8], shape: [2, 2])])
  }

  @Test func dropoutKeepsEverything() throws {
    let x = Tensor([Float(1), 2])
    #expect(
      try compute(.identity(Identity(isDropout: true)), x, outputs: 2) == [
        x, Tensor([true, true]),
      ])
  }

  @Test func functionsOfIntegers() throws {
    let x = Tensor([-128, -3, 0, 5] as [Int8])
    #expect(try compute(.unary(Unary(.abs)), x) == [Tensor([-128, 3, 0, 5] as [Int8])])
    #expect(try compute(.unary(Unary(.sign)), x) == [Tensor([-1, -1, 0, 1] as [Int8])])
    #expect(try compute(.unary(Unary(.sign)), Tensor([UInt64.max])) == [Tensor([UInt64(1)])])
    var shrink = Unary(.shrink)
    (shrink.alpha, shrink.beta) = (2, 1)
    #expect(try compute(.unary(shrink), x) == [Tensor([-127, -2, 0, 4] as [Int8])])
    #expect(throws: ComputeError.self) { try compute(.unary(Unary(.exp)), x) }
  }
}
