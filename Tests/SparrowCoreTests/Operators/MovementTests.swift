import SparrowCore
import Testing

@Suite struct MovementTests {
  private static let square = Tensor((1...12).map { Float($0) }, shape: [1, 3, 4])

  @Test(
    arguments: [
      (true, nil, [1, 2, 3, 4, 0, 6, 7, 8, 0, 0, 11, 12]),
      (true, 2, [0, 0, 3, 4, 0, 0, 0, 8, 0, 0, 0, 0]),
      (false, -1, [0, 0, 0, 0, 5, 0, 0, 0, 9, 10, 0, 0]),
      (false, Int64.max, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ] as [(Bool, Int64?, [Float])])
  func triluKeepsATriangle(isUpper: Bool, k: Int64?, expected: [Float]) throws {
    var op = Trilu()
    op.isUpper = isUpper
    let result = try op.compute(Operands([Self.square, k.map { Tensor(scalar: $0) }]))
    #expect(result == [Tensor(expected, shape: [1, 3, 4])])
  }

  @Test func nonZeroListsIndicesByAxis() throws {
    let x = Tensor([Float(0), 2, 0, -1, .nan, 0], shape: [2, 3])
    #expect(
      try NonZero().compute(Operands([x])) == [Tensor([Int64(0), 1, 1, 1, 0, 1], shape: [2, 3])])
    #expect(
      try NonZero().compute(Operands([Tensor(scalar: true)])) == [Tensor([Int64](), shape: [0, 1])])
  }
}
