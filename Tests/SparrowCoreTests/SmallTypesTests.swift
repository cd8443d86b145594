import SparrowCore
import Testing

/// Types of 8 and fewer bits.
@Suite struct SmallTypesTests {
  /// Values from the formats' specifications.
  @Test(
    arguments: [
      (.float8e4m3fn, 0x7e, 448), (.float8e4m3fn, 0x01, 0x1p-9), (.float8e4m3fn, 0x38, 1),
      (.float8e4m3fn, 0xbc, -1.5), (.float8e4m3fnuz, 0x7f, 240), (.float8e4m3fnuz, 0x40, 1),
      (.float8e5m2, 0x7b, 57344), (.float8e5m2, 0x7c, .infinity), (.float8e5m2, 0x01, 0x1p-16),
      (.float8e5m2fnuz, 0x7f, 57344), (.float8e5m2fnuz, 0x40, 1), (.float4e2m1, 0x7, 6),
      (.float4e2m1, 0x1, 0.5), (.float4e2m1, 0x9, -0.5), (.float8e8m0, 127, 1),
      (.float8e8m0, 0, 0x1p-127), (.float8e8m0, 254, 0x1p127),
    ] as [(DType, UInt8, Double)])
  func codesHaveTheirValues(dtype: DType, code: UInt8, value: Double) throws {
    let format = try #require(dtype.minifloat)
    #expect(format.value(code) == value)
    #expect(format.code(value, saturates: false) == code)
  }

  @Test(arguments: DType.allCases.filter { $0.minifloat != nil })
  func everyCodeReadsBack(dtype: DType) throws {
    let format = try #require(dtype.minifloat)
    for code in UInt8.min...UInt8(1 << dtype.bits - 1) {
      let value = format.value(code)
      let back = format.code(value, saturates: false)
      if value.isNaN { #expect(format.value(back).isNaN) } else { #expect(back == code) }
    }
  }

  /// Beyond the largest value, and halfway between two.
  @Test(
    arguments: [
      (.float8e4m3fn, 464, 448, 448), (.float8e4m3fn, 465, 448, .nan),
      (.float8e4m3fn, -1e9, -448, .nan), (.float8e4m3fnuz, 1e9, 240, .nan),
      (.float8e5m2, 1e9, 57344, .infinity), (.float8e5m2fnuz, -1e9, -57344, .nan),
      (.float4e2m1, 100, 6, 6), (.float4e2m1, 2.5, 2, 2), (.float4e2m1, 3.5, 4, 4),
      (.float8e4m3fn, 1.0625, 1, 1), (.float8e4m3fn, 1.1875, 1.25, 1.25),
    ] as [(DType, Double, Double, Double)])
  func valuesRound(dtype: DType, x: Double, saturated: Double, other: Double) throws {
    let format = try #require(dtype.minifloat)
    #expect(format.value(format.code(x, saturates: true)) == saturated)
    let found = format.value(format.code(x, saturates: false))
    #expect(found == other || found.isNaN && other.isNaN)
  }

  @Test func exponentsRoundAsAsked() throws {
    let format = try #require(DType.float8e8m0.minifloat)
    for (rounding, expected) in [
      (Minifloat.Rounding.up, 4.0), (.down, 2.0), (.nearest, 2.0),
    ] {
      #expect(
        format.value(format.code(2.5, saturates: true, rounding: rounding)) == expected)
    }
  }

  @Test(
    arguments: [
      (.int4, [-8, 7, -1, 3, 0], [0x78, 0x3f, 0x00]), (.uint4, [15, 1, 2], [0x1f, 0x02]),
      (.int2, [-2, 1, 0, -1, 1], [0xc6, 0x01]), (.uint2, [3, 2, 1, 0], [0x1b]),
    ] as [(DType, [Int], [UInt8])])
  func integersPack(dtype: DType, values: [Int], packed: [UInt8]) {
    let tensor = Tensor(dtype, [values.count], integers: values)
    #expect(tensor.integers == values)
    #expect(tensor.packed.array(of: UInt8.self) == packed)
    #expect(Tensor(dtype, [values.count], packed: Bytes(copying: packed)) == tensor)
    #expect(dtype.packedByteCount(values.count) == packed.count)
  }

  @Test func integersWrapAndFloatsSaturate() {
    #expect(Tensor(.int4, [3], integers: [8, -9, 17]).integers == [-8, 7, 1])
    #expect(Tensor(.int4, [3], doubles: [8, -9.5, 2.7]).integers == [7, -8, 2])
    #expect(Tensor(.uint2, [2], doubles: [-1, 9]).integers == [0, 3])
  }

  @Test func numbersAreQuantisedToThem() throws {
    let x = Tensor([Float(1), -300, 1e6, 0.75])
    let zero = Tensor(dtype: .float8e4m3fn, shape: [], bytes: Bytes(copying: [UInt8(0)]))
    var op = QuantizeLinear()
    let made = try op.compute(Operands([x, Tensor(scalar: Float(2)), zero]))
    #expect(made.map(\.doubles) == [[0.5, -144, 448, 0.375]])
    op.saturates = false
    #expect(try op.compute(Operands([x, Tensor(scalar: Float(2)), zero]))[0].doubles[2].isNaN)
  }
}
