import SparrowCore
import SparrowPasses
import Testing

@Suite struct ConstantFoldingTests {
  @Test func computesConstants() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let sum = try b.binary(.add, b.scalar(2), b.scalar(3), name: "sum")
    let product = try b.binary(.mul, sum, b.scalar(4), name: "product")
    let y = try b.binary(.add, x, product, name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %y: f32[2,3] = Add(%x, 20.0)

      """
    try expect(ConstantFolding(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func computesShapes() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 4])
    let shape = try b.op(.shapeOf(ShapeOf()), x, name: "shape")
    let (from, to) = (b.integers([0]), b.integers([1]))
    let head = try b.op(.slice(Slice()), shape, from, to, name: "head")
    let tail = b.integers([-1])
    let target = try b.op(.concat(Concat()), head, tail, name: "target")
    let y = try b.op(.reshape(Reshape()), x, target, name: "y")
    let after = """
      graph g(%x: f32[2,3,4]) -> (%y)
        %y: f32[2,12] = Reshape(%x, @target: i64[2])

      """
    try expect(ConstantFolding(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func leavesShapesOfOpenTypes() throws {
    var b = Builder("g")
    let x = b.input("x", [.symbol("n"), .known(3)])
    let y = try b.op(.shapeOf(ShapeOf()), x, name: "shape")
    let z = try b.unary(.neg, y, name: "z")
    try expectUnchanged(ConstantFolding(), on: b.returning(z))
  }

  @Test func leavesGraphOutputs() throws {
    var b = Builder("g")
    _ = b.input("x", [2])
    let y = try b.binary(.add, b.scalar(2), b.scalar(3), name: "y")
    try expectUnchanged(ConstantFolding(), on: b.returning(y))
  }

  @Test func leavesSmallWeightsSmall() throws {
    var b = Builder("g")
    let x = b.input("x", [1, 256])
    let bytes = [Int8](repeating: 3, count: 256 * 256)
    let packed = b.graph.addConstant("packed", Tensor(bytes, shape: [256, 256]))
    let w = try b.op(.cast(Cast(to: .float32)), packed, name: "w")
    let y = try b.op(.matMul(MatMul()), x, w, name: "y")
    try expectUnchanged(ConstantFolding(), on: b.returning(y))
    let after = """
      graph g(%x: f32[1,256]) -> (%y)
        %y: f32[1,256] = MatMul(%x, @w: f32[256,256])

      """
    let expanding = ConstantFolding(expandsWeights: true)
    try expect(expanding, on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func foldsLargeResultsThatDoNotGrow() throws {
    var b = Builder("g")
    let x = b.input("x", [1, 256])
    let t = b.weight("t", [256, 256])
    let w = try b.op(.transpose(Transpose([1, 0])), t, name: "w")
    let y = try b.op(.matMul(MatMul()), x, w, name: "y")
    let after = """
      graph g(%x: f32[1,256]) -> (%y)
        %y: f32[1,256] = MatMul(%x, @w: f32[256,256])

      """
    try expect(ConstantFolding(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }
}
