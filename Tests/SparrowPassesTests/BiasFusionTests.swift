import SparrowCore
import SparrowPasses
import Testing

@Suite struct BiasFusionTests {
  @Test(arguments: [[6], [1, 6], [1, 1, 6], [1], []]) func intoMatrixProduct(shape: [Int]) throws {
    var b = Builder("g")
    let x = b.input("x", [.symbol("n"), .known(5), .known(4)])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 6]), name: "c")
    let y = try b.binary(.add, b.weight("b", shape), c, name: "y")
    let after = """
      graph g(%x: f32[n,5,4]) -> (%y)
        %y: f32[n,5,6] = MatMul(%x, @w: f32[4,6], @c.bias: f32[6])

      """
    try expect(BiasFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test(arguments: [Binary.Function.add, .sub]) func intoConvolution(function: Binary.Function)
    throws
  {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 5, 5])
    let (w, bias) = (b.weight("w", [4, 3, 3, 3]), b.weight("b", [4]))
    let c = try b.op(convolution(), x, w, bias, name: "c")
    let op = Binary(function, activation: .relu)
    let y = try b.op(.binary(op), c, b.weight("d", [1, 4, 1, 1]), name: "y")
    let after = """
      graph g(%x: f32[2,3,5,5]) -> (%y)
        %y: f32[2,4,5,5] = Conv(%x, @w: f32[4,3,3,3], @b: f32[4]) \
      {pads=[1,1,1,1], activation=relu}

      """
    try expect(BiasFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func notOfAMatrixOrTheFirstOperandOfSub() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 6]), name: "c")
    let y = try b.binary(.add, c, b.weight("m", [2, 6]), name: "y")
    try expectUnchanged(BiasFusion(), on: b.returning(y))
    let z = try b.binary(.sub, b.weight("v", [6]), c, name: "z")
    try expectUnchanged(BiasFusion(), on: b.returning(z))
  }

  @Test func notThatAddsARank() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 6]), name: "c")
    let y = try b.binary(.add, c, b.weight("m", [1, 1, 6]), name: "y")
    try expectUnchanged(BiasFusion(), on: b.returning(y))
  }

  @Test func notIntoProductsOfTwoActivations() throws {
    var b = Builder("g")
    let (p, q) = (b.input("p", [2, 4]), b.input("q", [4, 6]))
    let c = try b.op(.matMul(MatMul()), p, q, name: "c")
    let y = try b.binary(.add, c, b.weight("v", [6]), name: "y")
    try expectUnchanged(BiasFusion(), on: b.returning(y))
  }

  @Test func intoProductWithPackedWeight() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let packed = b.graph.addConstant("p", Tensor([Int8](repeating: 2, count: 24), shape: [4, 6]))
    let wide = try b.op(.cast(Cast(to: .float32)), packed, name: "wide")
    let w = try b.binary(.mul, wide, b.weight("s", [1, 6]), name: "w")
    let c = try b.op(.matMul(MatMul()), x, w, name: "c")
    let y = try b.binary(.add, c, b.weight("b", [6]), name: "y")
    let after = """
      graph g(%x: f32[2,4]) -> (%y)
        %wide: f32[4,6] = Cast(@p: i8[4,6])
        %w: f32[4,6] = Mul(%wide, @s: f32[1,6])
        %y: f32[2,6] = MatMul(%x, %w, @c.bias: f32[6])

      """
    try expect(BiasFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    let scaled = try b.binary(.mul, c, b.weight("t", [6]), name: "z")
    try expectUnchanged(ScaleFolding(), on: b.returning(scaled))
  }
}
