import SparrowCore
import SparrowFormats
import Testing

/// Changes of operator sets 1 to 7.
@Suite struct ONNXEarlyLiftingTests {
  static let ofTwo = [
    "Add", "Sub", "Mul", "Div", "And", "Or", "Xor", "Equal", "Less", "Greater", "Pow",
  ]

  /// A node of two inputs, x `[2,3,4]` and b of its own dimensions, as the text of what it becomes.
  private func lines(
    _ op: String, _ b: [String], opset: Int64, _ attributes: [Proto], elements: Int64 = 1
  ) throws -> [String] {
    let graph = try ONNX.read(
      Bytes(
        .model(
          opset: opset,
          [
            .text(2, "g"), .input("x", type: elements, ["2", "3", "4"]),
            .input("b", type: elements, b), .output("y"),
            .node(op, ["x", "b"], ["y"], attributes),
          ])))
    return graph.text.split(separator: "\n").dropFirst().map { String($0.dropFirst(2)) }
  }

  @Test(arguments: ofTwo) func operandIsPlacedAtItsAxis(op: String) throws {
    let elements: Int64 = ["And", "Or", "Xor"].contains(op) ? 9 : 1
    let type = elements == 9 ? "bool" : "f32"
    let result = elements == 9 || ["Equal", "Less", "Greater"].contains(op) ? "bool" : "f32"
    let broadcast = Proto.attribute("broadcast", int: 1)
    #expect(
      try lines(op, ["3"], opset: 6, [broadcast, .attribute("axis", int: 1)], elements: elements)
        == [
          "%y_aligned: \(type)[3,1] = Unsqueeze(%b, @y_axes: i64[1])",
          "%y: \(result)[2,3,4] = \(op)(%x, %y_aligned)",
        ])
    #expect(
      try lines(op, ["4"], opset: 6, [broadcast], elements: elements)
        == ["%y: \(result)[2,3,4] = \(op)(%x, %b)"])
    // From opset 7 on there is no such attribute.
    #expect(throws: FormatError.self) {
      try lines(op, ["3"], opset: 7, [.attribute("axis", int: 1)], elements: elements)
    }
    #expect(throws: FormatError.self) {
      try lines(op, ["3"], opset: 6, [.attribute("axis", int: 3)], elements: elements)
    }
  }

  @Test func slopesBelongToChannels() throws {
    #expect(
      try lines("PRelu", ["3"], opset: 6, []) == [
        "%y_aligned: f32[3,1] = Unsqueeze(%b, @y_axes: i64[1])",
        "%y: f32[2,3,4] = PRelu(%x, %y_aligned)",
      ])
    #expect(try lines("PRelu", ["4"], opset: 7, []) == ["%y: f32[2,3,4] = PRelu(%x, %b)"])
  }

  static let cases = [
    LiftCase(
      name: "Reshape", opset: 4,
      parts: [.node("Reshape", ["x"], ["y"], [.attribute("shape", ints: [4, -1])])],
      lines: ["%y: f32[4,6] = Reshape(%x, @y_shape: i64[2])"], constants: ["y_shape": [4, -1]]),
    LiftCase(
      name: "Concat", opset: 3, parts: [.node("Concat", ["x", "x"], ["y"])],
      lines: ["%y: f32[2,6,4] = Concat(%x, %x) {axis=1}"]),
    LiftCase(
      name: "Pad", opset: 1,
      parts: [.node("Pad", ["x"], ["y"], [.attribute("paddings", ints: [1, 0, 0, 0, 0, 2])])],
      lines: ["%y: f32[3,3,6] = Pad(%x, @y_pads: i64[6])"],
      constants: ["y_pads": [1, 0, 0, 0, 0, 2]]),
    LiftCase(
      name: "Cast", opset: 5,
      parts: [.node("Cast", ["x"], ["y"], [.attribute("to", string: "INT32")])],
      lines: ["%y: i32[2,3,4] = Cast(%x) {to=i32}"]),
    LiftCase(
      name: "Gemm", opset: 6,
      parts: [
        .node("Gemm", ["x", "x", "x"], ["y"], [.attribute("broadcast", int: 1)])
      ], lines: ["%y: f32[2,2] = Gemm(%x, %x, %x)"], dims: ["2", "2"]),
  ]

  @Test(arguments: cases) func lifts(_ lift: LiftCase) throws {
    try ONNXLiftingTests().lifts(lift)
  }
}
