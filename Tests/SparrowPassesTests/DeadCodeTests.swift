import SparrowCore
import SparrowPasses
import Testing

@Suite struct DeadCodeTests {
  @Test func removesNodesAndValues() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let unused = try b.binary(.add, x, b.weight("c", [3]), name: "unused")
    _ = try b.unary(.exp, unused, name: "more")
    let y = try b.unary(.relu, x, name: "y")
    let graph = b.returning(y)
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %y: f32[2,3] = Relu(%x)

      """
    try expect(DeadCode(), on: graph, gives: after, within: Tolerance.exact)
    var rewritten = graph
    #expect(try DeadCode().run(&rewritten) == 5)
    #expect(rewritten.values.map { $0.name } == ["x", "y"])
    #expect(try DeadCode().run(&rewritten) == 0)
  }

  @Test func keepsNodeWithOneUsedOutput() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let parts = try b.graph.add(.split(Split(axis: 1)), [x], name: "s", outputs: ["p", "q"])
    let y = try b.unary(.relu, parts[1], name: "y")
    try expectUnchanged(DeadCode(), on: b.returning(y))
  }
}
