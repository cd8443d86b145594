import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

/// A file that must be refused, and words that the message must hold.
struct Refusal: CustomTestStringConvertible, Sendable {
  var name: String
  var bytes: [UInt8]
  var words: [String]
  var testDescription: String { name }

  init(_ name: String, _ model: Proto, _ words: String...) {
    (self.name, bytes, self.words) = (name, model.bytes, words)
  }

  /// A graph with input x [2,3] and output y.
  init(_ name: String, opset: Int64 = 21, xy parts: [Proto], _ words: String...) {
    let graph = [Proto.text(2, "g"), .input("x", ["2", "3"]), .output("y")] + parts
    (self.name, bytes) = (name, Proto.model(opset: opset, graph).bytes)
    self.words = words
  }

  /// y = x + w, where w is broken.
  init(_ name: String, weight: [Proto], _ words: String...) {
    let parts = [Proto.message(5, weight), .node("Add", ["x", "w"], ["y"])]
    self.init(name, xy: parts)
    self.words = words
  }
}

@Suite struct ONNXErrorTests {
  static let structure = [
    Refusal("no bytes", Proto(), "no graph"),
    Refusal("a later opset", .model(opset: 1_000, []), "operator set 1000", "1 to"),
    Refusal("an earlier opset", .model(opset: -1, []), "operator set -1"),
    Refusal("no outputs", .model([.input("x", ["1"])]), "no outputs"),
    Refusal("an undefined input", xy: [.node("Relu", ["z"], ["y"])], "'z'", "nothing defines"),
    Refusal("an undefined output", xy: [], "'y' is made by no node"),
    Refusal(
      "a cycle", xy: [.node("Add", ["x", "b"], ["a"]), .node("Relu", ["a"], ["b"])], "cycle"),
    Refusal("a node on itself", xy: [.node("Add", ["x", "y"], ["y"])], "cycle"),
    Refusal(
      "a value made twice", xy: [.node("Relu", ["x"], ["y"]), .node("Abs", ["x"], ["y"])],
      "Abs 'y'", "exists already"),
    Refusal("an input made again", xy: [.node("Relu", ["x"], ["x"])], "exists already"),
    Refusal(
      "two initializers of one name",
      xy: [.initializer("w", [1], [1]), .initializer("w", [1], [2])], "two tensors", "'w'"),
    Refusal(
      "two inputs of one name", xy: [.input("x", ["1"]), .node("Relu", ["x"], ["y"])],
      "two graph inputs"),
    Refusal(
      "an output listed twice", xy: [.node("Relu", ["x"], ["y"]), .output("y")],
      "two graph outputs"),
    Refusal("a node without outputs", xy: [.node("Relu", ["x"], [])], "no outputs"),
    Refusal("a missing operand", xy: [.node("Add", ["x"], ["y"])], "1 inputs, expected 2"),
    Refusal("an operand left out", xy: [.node("Add", ["", "x"], ["y"])], "input 0 is missing"),
    Refusal("too many operands", xy: [.node("Relu", ["x", "x"], ["y"])], "expected 1 to 1"),
    Refusal(
      "contradicting shapes",
      xy: [
        .initializer("w", [5, 4], [Float](repeating: 0, count: 20)),
        .node("MatMul", ["x", "w"], ["y"], name: "dense"),
      ],
      "MatMul 'dense'", "3 and 5"),
    Refusal(
      "an input that is a sequence",
      .model([.message(11, [.text(1, "s"), .message(2, [.message(4, [])])]), .output("s")]),
      "'s' is a sequence"),
    Refusal(
      "an input without a type", .model([.message(11, [.text(1, "s")]), .output("s")]),
      "'s' has no type"),
    Refusal(
      "an input of strings", .model([.input("s", type: 8, ["1"]), .output("s")]),
      "string elements"),
    Refusal(
      "an input too long", .model([.input("s", ["4611686018427387904"]), .output("s")]),
      "4611686018427387904", "limit"),
    Refusal(
      "an input too large",
      .model([.input("s", ["4294967296", "4294967296", "2"]), .output("s")]), "too large"),
    Refusal("a second graph", Proto([.model([]), .message(7, [])]), "second graph"),
    Refusal("a name that is no text", .model([.data(2, [0xff, 0xfe])]), "not valid UTF-8"),
    Refusal(
      "a name too long", .model([.text(2, String(repeating: "a", count: 100_000))]), "100000",
      "limit"),
    Refusal("a number for a message", .model([.int(1, 5)]), "wire type 0, expected 2"),
    Refusal(
      "a rank too high", .model([.input("s", [String](repeating: "1", count: 40))]), "rank", "32"),
  ]

  static let operators = [
    Refusal(
      "an unknown operator", xy: [.node("Frobnicate", ["x"], ["y"], name: "n")],
      "Frobnicate 'n'", "operator Frobnicate (domain ai.onnx, operator set 21)"),
    Refusal(
      "an unknown domain",
      .model(
        domain: "org.other",
        [.input("x", ["1"]), .node("Relu", ["x"], ["y"], domain: "org.other"), .output("y")]),
      "domain org.other"),
    Refusal(
      "a domain that is not imported", xy: [.node("Relu", ["x"], ["y"], domain: "org.other")],
      "does not import"),
    Refusal("an If without branches", xy: [.node("If", ["x"], ["y"])], "'then_branch' is missing"),
    Refusal(
      "sequences", xy: [.node("SequenceMap", ["x"], ["y"])], "SequenceMap", "is not supported"),
    Refusal(
      "an If without an else-branch", Proto.ifModel(["c"], ["y"], []), "'else_branch' is missing"),
    Refusal(
      "branches of different numbers of outputs",
      Proto.ifModel(["c"], ["y"], [.attribute("else_branch", graph: [])]),
      "its else_branch has 0 outputs, the node 1"),
    Refusal(
      "branches of different types",
      Proto.ifModel(
        ["c"], ["y"],
        [.attribute("else_branch", graph: [.node("Shape", ["x"], ["s"]), .output("s")])]),
      "output 0 is f32 in one branch, i64 in the other"),
    Refusal(
      "a branch that reads what nothing defines",
      Proto.ifModel(
        ["c"], ["y"],
        [.attribute("else_branch", graph: [.node("Neg", ["q"], ["s"]), .output("s")])]),
      "reads 'q', which nothing defines"),
    Refusal(
      "an If with three inputs",
      Proto.ifModel(["c", "x", "x"], ["y"], [.attribute("else_branch", graph: [])]),
      "it has 3 inputs, expected 1"),
    Refusal(
      "a body of too few inputs", Proto.loopModel(body: [.output("g")]),
      "has 0 inputs, expected 3"),
    Refusal(
      "a body of too few outputs",
      Proto.loopModel(
        body: [
          .input("i", type: 7, []), .input("g", type: 9, []), .input("s", ["2"]), .output("g"),
        ]), "its body has 1 outputs, expected 2 or more"),
    Refusal(
      "a carried value that changes its type",
      Proto.loopModel(
        body: [
          .input("i", type: 7, []), .input("g", type: 9, []), .input("s", ["2"]),
          .node("Shape", ["s"], ["t"]), .output("g"), .output("t"),
        ]), "carried value 1 is f32[2], its next round's i64[1]"),
    Refusal(
      "a body's input of another type",
      Proto.loopModel(
        body: [
          .input("i", type: 7, []), .input("g", type: 9, []), .input("s", type: 7, ["2"]),
          .output("g"), .output("s"),
        ]), "is declared i64 and given f32"),
    Refusal(
      "a Scan without its number of inputs",
      xy: [.node("Scan", ["x"], ["y"], [.attribute("body", graph: [])])], "num_scan_inputs"),
    Refusal(
      "graphs nested too deeply", Proto.deepModel(levels: 40),
      "the number of graphs inside each other is 33"),
    Refusal(
      "loops nested too deeply for their size", Proto.deepLoops(levels: 20),
      "the number of nodes after functions and bodies are expanded"),
    Refusal(
      "a function without that input",
      Proto([
        .model(
          domain: "f",
          [.input("x", ["1"]), .node("F", ["x"], ["y"], domain: "f"), .output("y")]),
        .message(25, [.text(1, "F"), .text(10, "f")]),
      ]),
      "has 1 inputs and 1 outputs, its function 0 and 0"),
    Refusal(
      "an unknown attribute", xy: [.node("Relu", ["x"], ["y"], [.attribute("slope", float: 1)])],
      "'slope'", "not supported"),
    Refusal(
      "an attribute of another type",
      xy: [.node("Softmax", ["x"], ["y"], [.attribute("axis", float: 1)])],
      "'axis' is a float, expected an integer"),
    Refusal(
      "an attribute twice",
      xy: [
        .node(
          "Softmax", ["x"], ["y"],
          [.attribute("axis", int: 0), .attribute("axis", int: 1)])
      ],
      "'axis' occurs twice"),
    Refusal(
      "a choice that does not exist",
      xy: [.node("Gelu", ["x"], ["y"], [.attribute("approximate", string: "rough")])],
      "'rough'", "none, tanh"),
    Refusal(
      "a flag of 2", xy: [.node("ReduceSum", ["x"], ["y"], [.attribute("keepdims", int: 2)])],
      "2, expected 0 or 1"),
    Refusal(
      "an element type to cast to", xy: [.node("Cast", ["x"], ["y"], [.attribute("to", int: 8)])],
      "string elements"),
    Refusal(
      "a graph as attribute",
      xy: [.node("Relu", ["x"], ["y"], [.message(5, [.text(1, "b"), .message(6, [])])])], "'b'"),
    Refusal(
      "an attribute of an unknown type",
      xy: [.node("Relu", ["x"], ["y"], [.message(5, [.text(1, "b"), .int(20, 77)])])],
      "unknown type 77"),
    Refusal(
      "a reference to a function's attribute",
      xy: [.node("Softmax", ["x"], ["y"], [.message(5, [.text(1, "axis"), .text(21, "a")])])],
      "there is no function around it"),
    Refusal(
      "a Dropout that may train", xy: [.node("Dropout", ["x", "", "x"], ["y"])], "training"),
    Refusal(
      "a string constant",
      xy: [
        .node("Constant", [], ["c"], [.attribute("value_string", string: "s")]),
        .node("Add", ["x", "c"], ["y"]),
      ],
      "'value_string'"),
    Refusal(
      "a Reshape beyond every memory",
      xy: [.initializer("s", [1 << 40, 1 << 40]), .node("Expand", ["x", "s"], ["y"])],
      "Expand 'y'"),
  ]

  static let tensors = [
    Refusal(
      "no raw bytes enough", weight: Proto.head("w", [3]) + [.data(9, [1, 2])], "2 bytes", "12"),
    Refusal(
      "raw bytes too many", weight: Proto.head("w", [1]) + [.data(9, [1, 2, 3, 4, 5])], "5 bytes"),
    Refusal(
      "no elements", weight: Proto.head("w", [3]), "holds 0 elements, its shape takes 3"),
    Refusal(
      "typed elements too many",
      weight: Proto.head("w", [1]) + [.data(4, Proto.littleEndian([1, 2]))], "more than the 1"),
    Refusal(
      "elements in the wrong field", weight: Proto.head("w", [1]) + [.packed(7, [1])], "field 7"),
    Refusal(
      "a packed field that breaks off", weight: Proto.head("w", [1]) + [.data(4, [0, 0, 0])],
      "breaks off"),
    Refusal(
      "a varint that breaks off",
      weight: Proto.head("w", type: 7, [1]) + [.data(7, [0x80])], "w"),
    Refusal("a negative dimension", weight: Proto.head("w", [-4]), "negative dimension -4"),
    Refusal("an absurd dimension", weight: Proto.head("w", [1 << 62]), "4611686018427387904"),
    Refusal(
      "an absurd product", weight: Proto.head("w", [1 << 31, 1 << 31, 1 << 31]), "overflow"),
    Refusal(
      "an absurd product hidden by a zero",
      weight: Proto.head("w", [1 << 31, 0, 1 << 31, 1 << 31]), "overflow"),
    Refusal(
      "more elements than the file has", weight: Proto.head("w", type: 7, [1 << 30]),
      "takes only"),
    Refusal("an unknown element type", weight: Proto.head("w", type: 99, [1]), "type 99"),
    Refusal("strings", weight: Proto.head("w", type: 8, [1]), "string elements"),
    Refusal("complex numbers", weight: Proto.head("w", type: 14, [1]), "complex"),
    Refusal("a segment", weight: Proto.head("w", [1]) + [.message(3, [])], "segment"),
    Refusal(
      "an unknown data location", weight: Proto.head("w", [1]) + [.int(14, 2)],
      "data_location", "2, expected 0 or 1"),
  ]

  private static func many(_ part: Proto, _ count: Int) -> [Proto] {
    [Proto](repeating: part, count: count)
  }

  static let limits = [
    Refusal(
      "inputs of a node", xy: [.node("Concat", [String](repeating: "x", count: 16_385), ["y"])],
      "16385", "16384"),
    Refusal(
      "outputs of a node", xy: [.message(1, many(.text(2, ""), 16_385))], "16385", "16384"),
    Refusal(
      "attributes of a node", xy: [.message(1, many(.message(5, []), 257))], "257", "256"),
    Refusal(
      "integers in an attribute",
      xy: [.message(1, [.message(5, [.data(8, [UInt8](repeating: 0, count: 1 << 20 | 1))])])],
      "1048577", "1048576"),
    Refusal(
      "floats in an attribute",
      xy: [.message(1, [.message(5, [.data(7, [UInt8](repeating: 0, count: 4 << 20 | 4))])])],
      "1048577", "1048576"),
    Refusal(
      "metadata", Proto(many(.message(14, []), 65_537)), "metadata", "65537", "65536"),
    Refusal(
      "external data entries", weight: Proto.head("w", [1]) + many(.message(13, []), 65),
      "external_data", "65", "64"),
    Refusal("graph outputs", .model(many(.message(12, []), 65_537)), "65537", "65536"),
    Refusal(
      "elements of a sparse tensor",
      .model([
        .message(
          15,
          [
            .message(1, Proto.head("w", [0])), .message(2, Proto.head("", type: 7, [0])),
            .int(3, 1 << 29),
          ]),
        .output("w"),
      ]),
      "536870912", "268435456"),
  ]

  @Test(arguments: structure + operators + tensors + limits)
  func refuses(_ refusal: Refusal) throws {
    let error = try #require(throws: FormatError.self) {
      try ONNX.read(Bytes(copying: refusal.bytes), file: "test.onnx")
    }
    #expect(error.message.hasPrefix("test.onnx: "))
    for word in refusal.words { #expect(error.message.contains(word)) }
  }

  @Test(arguments: Fixtures.malformed)
  func refusesMalformedFixture(_ name: String) throws {
    let error = try #require(throws: FormatError.self) { try ONNX.read(Fixtures.path(name)) }
    #expect(error.message.contains(name) || error.message.contains("cannot"))
  }

  @Test func refusesAMissingFile() throws {
    let error = try #require(throws: FormatError.self) { try ONNX.read("/no/such/file.onnx") }
    #expect(error.message.contains("/no/such/file.onnx"))
  }

  /// A file of 2 GiB, all of it a hole.
  @Test func refusesAFileBeyondTheLimitOfProtobuf() throws {
    try TemporaryFolder.use { folder in
      #expect(FileManager.default.createFile(atPath: folder + "/huge.onnx", contents: nil))
      let file = try #require(FileHandle(forWritingAtPath: folder + "/huge.onnx"))
      try file.truncate(atOffset: 1 << 31)
      let error = try #require(throws: FormatError.self) { try ONNX.read(folder + "/huge.onnx") }
      #expect(error.message.contains("external data"))
    }
  }

  @Test func namesTheOffset() throws {
    let head = Proto.int(1, 8)
    let error = try #require(throws: FormatError.self) {
      try ONNX.read(Bytes(copying: head.bytes + [0x3a, 0x7f, 0x00]), file: "short.onnx")
    }
    #expect(error.message.contains("at byte \(head.bytes.count):"))
  }
}

extension Proto {
  /// An If of x: f32[2], whose then-branch is a Relu.
  static func ifModel(_ inputs: [String], _ outputs: [String], _ rest: [Proto]) -> Proto {
    let then = Proto.attribute("then_branch", graph: [.node("Relu", ["x"], ["t"]), .output("t")])
    return .model([
      .input("c", type: 9, []), .input("x", ["2"]), .node("If", inputs, outputs, [then] + rest),
      .output("y"),
    ])
  }

  static func loopModel(body: [Proto]) -> Proto {
    .model([
      .input("m", type: 7, []), .input("x", ["2"]),
      .node("Loop", ["m", "", "x"], ["y"], [.attribute("body", graph: body)]), .output("y"),
    ])
  }

  /// An If inside an If inside an If ...
  static func deepModel(levels: Int) -> Proto {
    var graph = [Proto.node("Relu", ["x"], ["r"]), .output("r")]
    for _ in 0..<levels {
      let branches = [
        Proto.attribute("then_branch", graph: graph),
        .attribute("else_branch", graph: [.node("Neg", ["x"], ["n"]), .output("n")]),
      ]
      graph = [.node("If", ["c"], ["r"], branches), .output("r")]
    }
    return .model([.input("c", type: 9, []), .input("x", ["2"])] + graph)
  }

  /// A Loop inside a Loop ..., whose bodies have to be looked at again and again.
  static func deepLoops(levels: Int) -> Proto {
    var graph = [Proto.node("Concat", ["x", "x"], ["r"], [.attribute("axis", int: 0)])]
    for i in 0..<levels {
      let inner = [
        Proto.input("i", type: 7, []), .input("g", type: 9, []), .input("x", ["?"]),
      ]
      let body = inner + graph + [.output("g"), .output("r")]
      graph = [
        .node("Loop", ["m", "", "x"], ["r"], name: "l\(i)", [.attribute("body", graph: body)])
      ]
    }
    return .model(
      [.input("m", type: 7, []), .input("x", ["2"])] + graph + [.output("r")])
  }
}
