import SparrowCore
import Testing

@Suite struct LinearTests {
  private func counting(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.elementCount).map { Int64($0 + 1) }, shape: shape)
  }

  @Test(
    arguments: [
      ("ij->ji", [[2, 3]], [3, 2], [1, 4, 2, 5, 3, 6]),
      ("ij->i", [[2, 3]], [2], [6, 15]),
      ("ii->i", [[2, 2]], [2], [1, 4]),
      ("ii", [[2, 2]], [], [5]),
      ("i,i", [[3], [3]], [], [14]),
      ("i,j->ij", [[2], [3]], [2, 3], [1, 2, 3, 2, 4, 6]),
      ("ij,jk", [[2, 2], [2, 2]], [2, 2], [7, 10, 15, 22]),
      ("...ij,...jk->...ik", [[2, 1, 2], [2, 1]], [2, 1, 1], [5, 11]),
      ("b...->...b", [[2, 3]], [3, 2], [1, 4, 2, 5, 3, 6]),
      ("ij,jk,k->i", [[1, 2], [2, 2], [2]], [1], [27]),
      ("Aa", [[1, 2]], [1, 2], [1, 2]),
      ("", [[]], [], [1]),
    ] as [(String, [[Int]], [Int], [Int64])])
  func sumsOfProducts(
    _ equation: String, _ shapes: [[Int]], _ shape: [Int], _ expected: [Int64]
  ) throws {
    let op = Op.einsum(Einsum(equation))
    let y = try op.compute(Operands(shapes.map { counting($0) }))
    #expect(y == [Tensor(expected, shape: shape)])
    let wide = shapes.map { Tensor(.float64, $0, doubles: counting($0).doubles) }
    #expect(try op.compute(Operands(wide))[0].doubles == expected.map { Double($0) })
  }

  @Test(arguments: ["ij", "i.j", "ij-k", "ij->ik", "ijk", "i->->i", "....", "i1"])
  func equationsThatDoNotFit(_ equation: String) throws {
    let x = counting([2, 3])
    if equation == "ij" {
      #expect(try compute(.einsum(Einsum(equation)), x) == [x])
    } else {
      #expect(throws: ComputeError.self) { try compute(.einsum(Einsum(equation)), x) }
    }
  }

  @Test func determinants() throws {
    let x = Tensor([1, 2, 3, 4, 0, 1, 1, 0, 2, 4, 1, 2] as [Float], shape: [3, 2, 2])
    #expect(isNear(try compute(.det(Det()), x)[0], [-2, -1, 0]))
    #expect(
      try compute(.det(Det()), Tensor([Float](), shape: [0, 0])) == [Tensor(scalar: Float(1))])
    let three = Tensor([2, 0, 1, 1, 3, 2, 0, 1, 4] as [Double], shape: [1, 3, 3])
    #expect(isNear(try compute(.det(Det()), three)[0], [21]))
  }

  @Test func productsOfIntegers() throws {
    let (a, b) = (counting([2, 3]), counting([3, 2]))
    #expect(
      try compute(.matMul(MatMul()), a, b)
        == [Tensor([Int64(22), 28, 49, 64], shape: [2, 2])])
    #expect(
      try compute(.matMul(MatMul()), counting([2, 1, 3]), counting([3])) == [
        Tensor([Int64(14), 32], shape: [2, 1])
      ])
    let c = Tensor([Int64(10), 20])
    #expect(
      try compute(.gemm(Gemm(transposesA: true)), counting([3, 2]), b, c)
        == [Tensor([Int64(45), 64, 54, 76], shape: [2, 2])])
    let scaled = try compute(
      .gemm(Gemm(alpha: 2, beta: 0.5)), Tensor(.float64, [1, 2], doubles: [1, 2]),
      Tensor(.float64, [2, 1], doubles: [3, 4]), Tensor(.float64, [], doubles: [10]))
    #expect(scaled == [Tensor([27.0], shape: [1, 1])])
  }
}
