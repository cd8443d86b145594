import SparrowCore
import SparrowFormats
import Testing

/// Functions of the model, which are expanded where they are called.
@Suite struct ONNXFunctionTests {
  @Test func callsAreExpandedUnderFreshNames() throws {
    let scaled = Proto.function(
      "Scaled", ["a", "b"], ["r"],
      [.node("Mul", ["a", "k"], ["h"]), .node("Add", ["h", "b"], ["r"]), constant("k", 3)])
    let graph = try read(
      [
        .input("x", ["2"]), .node("Scaled", ["x", "x"], ["h"], name: "one", domain: "f"),
        .node("Scaled", ["h", "x"], ["y"], domain: "f"), .output("y"),
      ], [scaled])
    #expect(
      graph.text == """
        graph (%x: f32[2]) -> (%y)
          %one/h: f32[2] = Mul(%x, 3.0)
          %h: f32[2] = Add(%one/h, %x)
          %y/h: f32[2] = Mul(%h, 3.0)
          %y: f32[2] = Add(%y/h, %x)

        """)
  }

  @Test func functionsCallFunctionsInTheirOwnOperatorSets() throws {
    // In operator set 11 the axes of Squeeze are an attribute.
    let inner = Proto.function(
      "Inner", ["a"], ["r"], opset: 11,
      [.node("Squeeze", ["a"], ["r"], [.attribute("axes", ints: [0])])])
    let outer = Proto.function(
      "Outer", ["a"], ["r"], opset: 21,
      [.node("Inner", ["a"], ["i"], domain: "f"), .node("Relu", ["i"], ["r"])])
    let graph = try read(
      [.input("x", ["1", "2"]), .node("Outer", ["x"], ["y"], domain: "f"), .output("y")],
      [outer, inner])
    #expect(
      graph.text == """
        graph (%x: f32[1,2]) -> (%y)
          %y/i: f32[2] = Squeeze(%x, @y/i/r_axes: i64[1])
          %y: f32[2] = Relu(%y/i)

        """)
  }

  @Test func attributesComeFromTheCallOrTheirDefaults() throws {
    let reference = Proto.message(5, [.text(1, "axis"), .text(21, "where"), .int(20, 2)])
    let absent = Proto.message(5, [.text(1, "keepdims"), .text(21, "keep"), .int(20, 2)])
    let function = Proto.function(
      "Along", ["a"], ["r", "m"],
      [
        .node("Softmax", ["a"], ["r"], [reference]),
        .node("ReduceMax", ["a"], ["m"], [absent]),
      ],
      attributes: ["keep"], defaults: [.message(11, [.text(1, "where"), .int(3, 0), .int(20, 2)])])
    let graph = try read(
      [
        .input("x", ["2", "3"]),
        .node("Along", ["x"], ["p", "q"], name: "a", domain: "f"),
        .node(
          "Along", ["x"], ["r", "s"], name: "b", domain: "f",
          [.attribute("where", int: 1), .attribute("keep", int: 0)]), .output("p"), .output("q"),
        .output("r"), .output("s"),
      ], [function])
    #expect(
      graph.text == """
        graph (%x: f32[2,3]) -> (%p, %q, %r, %s)
          %p: f32[2,3] = Softmax(%x) {axis=0}
          %q: f32[1,1] = ReduceMax(%x)
          %r: f32[2,3] = Softmax(%x) {axis=1}
          %s: f32[] = ReduceMax(%x) {keepdims=false}

        """)
  }

  @Test func constantsReferToAttributes() throws {
    let value = Proto.message(5, [.text(1, "value_float"), .text(21, "k"), .int(20, 1)])
    let function = Proto.function(
      "Plus", ["a"], ["r"],
      [.node("Constant", [], ["c"], [value]), .node("Add", ["a", "c"], ["r"])],
      attributes: ["k"])
    let graph = try read(
      [
        .input("x", ["2"]),
        .node("Plus", ["x"], ["y"], domain: "f", [.attribute("k", float: 1.5)]), .output("y"),
      ], [function])
    #expect(graph.text.contains("%y: f32[2] = Add(%x, 1.5)"))
  }

  @Test func inputsMayBeLeftOut() throws {
    let function = Proto.function(
      "Clamp", ["a", "low", "high"], ["r"], [.node("Clip", ["a", "low", "high"], ["r"])])
    let graph = try read(
      [
        .input("x", ["2"]), .input("h", []),
        .node("Clamp", ["x", "", "h"], ["p"], domain: "f"),
        .node("Clamp", ["x"], ["q"], domain: "f"), .output("p"), .output("q"),
      ], [function])
    #expect(graph.text.contains("%p: f32[2] = Clip(%x, _, %h)"))
    #expect(graph.text.contains("%q: f32[2] = Clip(%x)"))
  }

  @Test func outputsThatNoNodeMakesAreCopied() throws {
    let function = Proto.function(
      "Both", ["a"], ["a", "s", "t"], [.node("Relu", ["a"], ["s"]), constant("t", 2)])
    let graph = try read(
      [
        .input("x", ["2"]), .node("Both", ["x"], ["p", "q", "r"], domain: "f"), .output("p"),
        .output("q"), .output("r"),
      ], [function])
    #expect(
      graph.text == """
        graph (%x: f32[2]) -> (%p, %q, %r)
          %q: f32[2] = Relu(%x)
          %p: f32[2] = Identity(%x)
          %r: f32[] = Identity(2.0)

        """)
  }

  @Test func bodiesAndFunctionsHoldEachOther() throws {
    let choose = Proto.function(
      "Choose", ["c", "a"], ["r"],
      [
        .node("Exp", ["a"], ["h"]),
        .node(
          "If", ["c"], ["r"],
          [
            .attribute(
              "then_branch", graph: [.node("Twice", ["h"], ["t"], domain: "f"), .output("t")]),
            .attribute("else_branch", graph: [.node("Neg", ["a"], ["e"]), .output("e")]),
          ]),
      ])
    let twice = Proto.function("Twice", ["a"], ["r"], [.node("Add", ["a", "a"], ["r"])])
    let graph = try read(
      [
        .input("c", type: 9, []), .input("x", ["2"]),
        .node("Choose", ["c", "x"], ["y"], domain: "f"), .output("y"),
      ], [choose, twice])
    #expect(
      graph.text == """
        graph (%c: bool[], %x: f32[2]) -> (%y)
          %y/h: f32[2] = Exp(%x)
          %y: f32[2] = If(%c, %y/h, %x)
            then_branch(%y/h: f32[2], %x: f32[2]) -> (%t)
              %t: f32[2] = Add(%y/h, %y/h)
            else_branch(%y/h: f32[2], %x: f32[2]) -> (%e)
              %e: f32[2] = Neg(%x)

        """)
  }

  @Test func overloadsAreToldApart() throws {
    let negate = Proto.function(
      "F", ["a"], ["r"], [.node("Neg", ["a"], ["r"])], overload: "negative")
    let plain = Proto.function("F", ["a"], ["r"], [.node("Abs", ["a"], ["r"])])
    let call = Proto.message(
      1, [.text(1, "x"), .text(2, "y"), .text(4, "F"), .text(7, "f"), .text(8, "negative")])
    let graph = try read([.input("x", ["2"]), call, .output("y")], [plain, negate])
    #expect(graph.text.contains("Neg(%x)"))
  }

  @Test func circlesAreRefused() {
    let a = Proto.function("A", ["a"], ["r"], [.node("B", ["a"], ["r"], domain: "f")])
    let b = Proto.function("B", ["a"], ["r"], [.node("A", ["a"], ["r"], domain: "f")])
    expectRefusal([a, b], "A", "calls a function that it is itself a part of")
  }

  /// Each function calls the next twice: 2^40 nodes.
  @Test func expansionIsLimited() {
    let functions = (0..<40).map { i in
      let next = i == 39 ? ("Relu", "") : ("F\(i + 1)", "f")
      return Proto.function(
        "F\(i)", ["a"], ["r"],
        [
          .node(next.0, ["a"], ["b"], domain: next.1),
          .node(next.0, ["b"], ["r"], domain: next.1),
        ])
    }
    expectRefusal(functions, "F0", "bodies and calls inside each other is 33")
  }

  @Test func unknownAttributesAreRefused() {
    let call = Proto.node(
      "F", ["x"], ["y"], domain: "f", [.attribute("k", float: 1.5)])
    let function = Proto.function("F", ["a"], ["r"], [.node("Neg", ["a"], ["r"])])
    let message = refusal([.input("x", ["2"]), call, .output("y")], [function])
    #expect(message.contains("its function has no attribute 'k'"), "\(message)")
  }

  private func expectRefusal(_ functions: [Proto], _ name: String, _ reason: String) {
    let message = refusal(
      [.input("x", ["2"]), .node(name, ["x"], ["y"], domain: "f"), .output("y")], functions)
    #expect(message.contains(reason), "\(message)")
  }

  private func refusal(_ graph: [Proto], _ functions: [Proto]) -> String {
    do throws(FormatError) {
      _ = try ONNX.read(Bytes(Proto([.model(domain: "f", graph)] + functions)))
      return "it was read"
    } catch {
      return error.message
    }
  }

  private func read(_ graph: [Proto], _ functions: [Proto]) throws -> Graph {
    try ONNX.read(Bytes(Proto([.model(domain: "f", graph)] + functions)))
  }

  private func constant(_ name: String, _ value: Float) -> Proto {
    .node("Constant", [], [name], [.attribute("value_float", float: value)])
  }
}

extension Proto {
  static func function(
    _ name: String, _ inputs: [String], _ outputs: [String], opset: Int64 = 21, _ nodes: [Proto],
    attributes: [String] = [], defaults: [Proto] = [], overload: String = ""
  ) -> Proto {
    let head = [Proto.text(1, name), .text(10, "f"), .text(13, overload)]
    let values = inputs.map { Proto.text(4, $0) } + outputs.map { Proto.text(5, $0) }
    // A NodeProto is field 1 of a graph and field 7 of a function.
    let bodies = nodes.map { node in Proto.message(7, []).replacingContent(of: node) }
    let opsets = [("", opset), ("f", 1)].map { Proto.message(9, [.text(1, $0.0), .int(2, $0.1)]) }
    return .message(
      25, head + values + attributes.map { .text(6, $0) } + bodies + opsets + defaults)
  }

  /// This field's tag with another field's content; both tags take one byte.
  private func replacingContent(of other: Proto) -> Proto {
    var result = other
    result.bytes[0] = bytes[0]
    return result
  }
}
