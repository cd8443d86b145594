import SparrowCore
import SparrowPasses
import Testing

@Suite struct CommonSubexpressionsTests {
  @Test func mergesEqualNodes() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let p = try b.unary(.exp, x, name: "p")
    let q = try b.unary(.exp, x, name: "q")
    let r = try b.unary(.neg, p, name: "r")
    let s = try b.unary(.neg, q, name: "s")
    let y = try b.binary(.add, r, s, name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %p: f32[2,3] = Exp(%x)
        %r: f32[2,3] = Neg(%p)
        %y: f32[2,3] = Add(%r, %r)

      """
    try expect(CommonSubexpressions(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func attributesTellNodesApart() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let p = try b.op(.softmax(Softmax(axis: 0)), x, name: "p")
    let q = try b.op(.softmax(Softmax(axis: 1)), x, name: "q")
    let y = try b.binary(.add, p, q, name: "y")
    try expectUnchanged(CommonSubexpressions(), on: b.returning(y))
  }

  @Test func graphOutputsKeepTheirNodes() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let p = try b.unary(.exp, x, name: "p")
    let q = try b.unary(.exp, x, name: "q")
    try expectUnchanged(CommonSubexpressions(), on: b.returning(p, q))
  }

  @Test func mergesScalars() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let p = try b.binary(.add, x, b.scalar(2), name: "p")
    let q = try b.binary(.add, x, b.scalar(2), name: "q")
    let y = try b.binary(.mul, p, q, name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %p: f32[2,3] = Add(%x, 2.0)
        %y: f32[2,3] = Mul(%p, %p)

      """
    try expect(CommonSubexpressions(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func mergesParametersOnlyWhenAsked() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let ones = Tensor([Float(1), 1, 1])
    let (v, w) = (b.graph.addConstant("v", ones), b.graph.addConstant("w", ones))
    let p = try b.binary(.add, x, v, name: "p")
    let q = try b.binary(.add, x, w, name: "q")
    let y = try b.binary(.mul, p, q, name: "y")
    try expectUnchanged(CommonSubexpressions(), on: b.returning(y))
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %p: f32[2,3] = Add(%x, @v: f32[3])
        %y: f32[2,3] = Mul(%p, %p)

      """
    let merging = CommonSubexpressions(mergesParameters: true)
    try expect(merging, on: b.returning(y), gives: after, within: Tolerance.exact)
  }
}
