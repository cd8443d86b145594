import SparrowCore
import SparrowFormats
import Testing

/// Nodes of an older operator set, and the canonical nodes they become.
struct LiftCase: CustomTestStringConvertible, Sendable {
  var name: String
  var opset: Int64
  var parts: [Proto]
  /// Lines of the graph's text after the first, without indentation.
  var lines: [String]
  /// Integers of constants, by name.
  var constants: [String: [Int]] = [:]
  var dims = ["2", "3", "4"]
  var domain = ""
  var testDescription: String { "\(name), opset \(opset)" }
}

@Suite struct ONNXLiftingTests {
  static let attributes = [
    LiftCase(
      name: "Clip", opset: 6 + 1,
      parts: [
        .node("Clip", ["x"], ["y"], [.attribute("min", float: 0), .attribute("max", float: 6)])
      ],
      lines: ["%y: f32[2,3,4] = Clip(%x, 0.0, 6.0)"]),
    LiftCase(
      name: "Clip above only", opset: 10,
      parts: [.node("Clip", ["x"], ["y"], [.attribute("max", float: 6)])],
      lines: ["%y: f32[2,3,4] = Clip(%x, _, 6.0)"]),
    LiftCase(
      name: "Squeeze", opset: 12,
      parts: [.node("Squeeze", ["x"], ["y"], [.attribute("axes", ints: [0])])],
      lines: ["%y: f32[3,4] = Squeeze(%x, @y_axes: i64[1])"], constants: ["y_axes": [0]],
      dims: ["1", "3", "4"]),
    LiftCase(
      name: "Unsqueeze", opset: 11,
      parts: [.node("Unsqueeze", ["x"], ["y"], [.attribute("axes", ints: [0, 4])])],
      lines: ["%y: f32[1,2,3,4,1] = Unsqueeze(%x, @y_axes: i64[2])"],
      constants: ["y_axes": [0, 4]]),
    LiftCase(
      name: "ReduceSum", opset: 12,
      parts: [
        .node(
          "ReduceSum", ["x"], ["y"],
          [.attribute("axes", ints: [1]), .attribute("keepdims", int: 0)])
      ],
      lines: ["%y: f32[2,4] = ReduceSum(%x, @y_axes: i64[1]) {keepdims=false}"],
      constants: ["y_axes": [1]]),
    LiftCase(
      name: "ReduceMean", opset: 17,
      parts: [.node("ReduceMean", ["x"], ["y"], [.attribute("axes", ints: [-1])])],
      lines: ["%y: f32[2,3,1] = ReduceMean(%x, @y_axes: i64[1])"], constants: ["y_axes": [-1]]),
    LiftCase(
      name: "ReduceMax over all", opset: 17, parts: [.node("ReduceMax", ["x"], ["y"])],
      lines: ["%y: f32[1,1,1] = ReduceMax(%x)"]),
    LiftCase(
      name: "Split", opset: 11,
      parts: [
        .node(
          "Split", ["x"], ["y", "z"],
          [.attribute("axis", int: 2), .attribute("split", ints: [1, 3])])
      ],
      lines: [
        "%y: f32[2,3,1], %z: f32[2,3,3] = Split(%x, @y_split: i64[2]) {axis=2}"
      ], constants: ["y_split": [1, 3]]),
    LiftCase(
      name: "Slice", opset: 9,
      parts: [
        .node(
          "Slice", ["x"], ["y"],
          [
            .attribute("starts", ints: [1]), .attribute("ends", ints: [9]),
            .attribute("axes", ints: [2]),
          ])
      ],
      lines: [
        "%y: f32[2,3,3] = Slice(%x, @y_starts: i64[1], @y_ends: i64[1], @y_axes: i64[1])"
      ], constants: ["y_starts": [1], "y_ends": [9], "y_axes": [2]]),
    LiftCase(
      name: "GlobalLpPool", opset: 1,
      parts: [.node("GlobalLpPool", ["x"], ["y"], [.attribute("p", float: 3)])],
      lines: ["%y: f32[2,3,1] = GlobalLpPool(%x) {p=3}"]),
    LiftCase(
      name: "TopK", opset: 9,
      parts: [.node("TopK", ["x"], ["y"], [.attribute("k", int: 2)])],
      lines: ["%y: f32[2,3,2] = TopK(%x, @y_k: i64[1])"], constants: ["y_k": [2]]),
    LiftCase(
      name: "Pad", opset: 10,
      parts: [
        .node(
          "Pad", ["x"], ["y"],
          [
            .attribute("pads", ints: [0, 0, 1, 0, 0, 1]), .attribute("value", float: 0.5),
            .attribute("mode", string: "constant"),
          ])
      ],
      lines: ["%y: f32[2,3,6] = Pad(%x, @y_pads: i64[6], 0.5)"],
      constants: ["y_pads": [0, 0, 1, 0, 0, 1]]),
  ]

  static let meanings = [
    LiftCase(
      name: "Softmax along the last axis", opset: 12,
      parts: [.node("Softmax", ["x"], ["y"], [.attribute("axis", int: 2)])],
      lines: ["%y: f32[2,3,4] = Softmax(%x)"]),
    LiftCase(
      name: "Scatter", opset: 10,
      parts: [
        .initializer("i", [2, 1]), .initializer("u", [2], [5, 6]),
        .node("Scatter", ["x", "i", "u"], ["y"], [.attribute("axis", int: -1)]),
      ],
      lines: ["%y: f32[4] = ScatterElements(%x, @i: i64[2], @u: f32[2]) {axis=-1}"],
      dims: ["4"]),
    LiftCase(
      name: "SpaceToDepth, columns first", opset: 28,
      parts: [
        .node(
          "SpaceToDepth", ["x"], ["y"],
          [.attribute("blocksize", int: 2), .attribute("mode", string: "CRD")])
      ],
      lines: [
        "%y_blocks: f32[1,8,1,2] = SpaceToDepth(%x) {blocksize=2}",
        "%y: f32[1,8,1,2] = Gather(%y_blocks, @y_order: i64[8]) {axis=1}",
      ], constants: ["y_order": [0, 2, 4, 6, 1, 3, 5, 7]], dims: ["1", "2", "2", "4"]),
    LiftCase(
      name: "Softmax of a matrix", opset: 12, parts: [.node("Softmax", ["x"], ["y"])],
      lines: ["%y: f32[2,3] = Softmax(%x)"], dims: ["2", "3"]),
    LiftCase(
      name: "LogSoftmax over flattened axes", opset: 12,
      parts: [.node("LogSoftmax", ["x"], ["y"])],
      lines: [
        "%y_matrix: f32[2,12] = Flatten(%x)",
        "%y_rows: f32[2,12] = LogSoftmax(%y_matrix)",
        "%y_shape: i64[3] = Shape(%x)",
        "%y: f32[?,?,?] = Reshape(%y_rows, %y_shape) {allowzero=true}",
      ]),
    LiftCase(
      name: "Softmax", opset: 13, parts: [.node("Softmax", ["x"], ["y"])],
      lines: ["%y: f32[2,3,4] = Softmax(%x)"]),
    LiftCase(
      name: "Upsample with an attribute", opset: 7,
      parts: [
        .node(
          "Upsample", ["x"], ["y"],
          [.attribute("scales", floats: [1, 1, 2]), .attribute("mode", string: "linear")])
      ],
      lines: [
        "%y: f32[2,3,8] = Resize(%x, _, @y_scales: f32[3]) {mode=linear, "
          + "coordinate_transformation_mode=asymmetric, nearest_mode=floor}"
      ]),
    LiftCase(
      name: "Upsample", opset: 9,
      parts: [.initializer("s", [3], [1, 1, 2]), .node("Upsample", ["x", "s"], ["y"])],
      lines: [
        "%y: f32[2,3,8] = Resize(%x, _, @s: f32[3]) {"
          + "coordinate_transformation_mode=asymmetric, nearest_mode=floor}"
      ]),
    LiftCase(
      name: "Resize", opset: 10,
      parts: [.initializer("s", [3], [1, 1, 2]), .node("Resize", ["x", "s"], ["y"])],
      lines: [
        "%y: f32[2,3,8] = Resize(%x, _, @s: f32[3]) {"
          + "coordinate_transformation_mode=asymmetric, nearest_mode=floor}"
      ]),
    LiftCase(
      name: "Resize with an empty region of interest", opset: 11,
      parts: [
        .initializer("roi", [0], []), .initializer("s", [3], [1, 1, 2]),
        .node("Resize", ["x", "roi", "s"], ["y"]),
      ],
      lines: ["%y: f32[2,3,8] = Resize(%x, _, @s: f32[3])"]),
    LiftCase(
      name: "Resize of some axes", opset: 18,
      parts: [
        .initializer("s", [1], [2]),
        .node("Resize", ["x", "", "s"], ["y"], [.attribute("axes", ints: [-1])]),
      ],
      lines: ["%y: f32[2,3,8] = Resize(%x, _, @s: f32[1]) {axes=[-1]}"]),
    LiftCase(
      name: "GridSample of images", opset: 16,
      parts: [
        .initializer("g", [1, 1, 1, 2], [0, 0]),
        .node("GridSample", ["x", "g"], ["y"], [.attribute("mode", string: "bicubic")]),
      ],
      lines: ["%y: f32[1,3,1,1] = GridSample(%x, @g: f32[1,1,1,2]) {mode=cubic}"],
      dims: ["1", "3", "4", "4"]),
    LiftCase(
      name: "RoiAlign", opset: 10,
      parts: [
        .initializer("r", [1, 4], [0, 0, 1, 1]), .initializer("b", [0]),
        .node("RoiAlign", ["x", "r", "b"], ["y"]),
      ],
      lines: [
        "%y: f32[1,3,1,1] = RoiAlign(%x, @r: f32[1,4], @b: i64[1]) {"
          + "coordinate_transformation_mode=output_half_pixel}"
      ], dims: ["1", "3", "4", "4"]),
    LiftCase(
      name: "Dropout with a mask nobody reads", opset: 7,
      parts: [.node("Dropout", ["x"], ["y", "mask"], [.attribute("ratio", float: 0.3)])],
      lines: ["%y: f32[2,3,4] = Dropout(%x)"]),
    LiftCase(
      name: "Dropout", opset: 13,
      parts: [
        .message(5, Proto.head("t", type: 9, []) + [.packed(5, [0])]),
        .node("Dropout", ["x", "", "t"], ["y"]),
      ],
      lines: ["%y: f32[2,3,4] = Dropout(%x)"]),
    LiftCase(
      name: "BatchNormalization with unread outputs", opset: 9,
      parts: [
        .initializer("c", [3], [1, 1, 1]),
        .node(
          "BatchNormalization", ["x", "c", "c", "c", "c"], ["y", "m", "v", "", ""],
          [.attribute("momentum", float: 0.9)]),
      ],
      lines: [
        "%y: f32[2,3,4] = BatchNormalization(%x, @c: f32[3], @c: f32[3], @c: f32[3], @c: f32[3])"
      ]),
    LiftCase(
      name: "Sum of three", opset: 8, parts: [.node("Sum", ["x", "x", "x"], ["y"])],
      lines: ["%y_part0: f32[2,3,4] = Add(%x, %x)", "%y: f32[2,3,4] = Add(%y_part0, %x)"]),
    LiftCase(
      name: "Max of two", opset: 13, parts: [.node("Max", ["x", "x"], ["y"])],
      lines: ["%y: f32[2,3,4] = Max(%x, %x)"]),
    LiftCase(
      name: "Min of one", opset: 13, parts: [.node("Min", ["x"], ["y"])],
      lines: ["%y: f32[2,3,4] = Identity(%x)"]),
    LiftCase(
      name: "Mean of two", opset: 13, parts: [.node("Mean", ["x", "x"], ["y"])],
      lines: ["%y_part0: f32[2,3,4] = Add(%x, %x)", "%y: f32[2,3,4] = Div(%y_part0, 2.0)"]),
    LiftCase(
      name: "FastGelu", opset: 13,
      parts: [
        .initializer("b", [4], [1, 1, 1, 1]),
        .node("FastGelu", ["x", "b"], ["y"], domain: "com.microsoft"),
      ],
      lines: [
        "%y_sum: f32[2,3,4] = Add(%x, @b: f32[4])",
        "%y: f32[2,3,4] = Gelu(%y_sum) {approximate=tanh}",
      ], domain: "com.microsoft"),
    LiftCase(
      name: "Gelu of ONNX Runtime", opset: 13,
      parts: [.node("Gelu", ["x"], ["y"], domain: "com.microsoft")],
      lines: ["%y: f32[2,3,4] = Gelu(%x)"], domain: "com.microsoft"),
  ]

  static let numeric = [
    LiftCase(
      name: "ReduceSumSquare", opset: 17,
      parts: [.node("ReduceSumSquare", ["x"], ["y"], [.attribute("axes", ints: [0])])],
      lines: ["%y: f32[1,3,4] = ReduceSumSquare(%x, @y_axes: i64[1])"], constants: ["y_axes": [0]]),
    LiftCase(
      name: "Hardmax", opset: 12,
      parts: [.node("Hardmax", ["x"], ["y"], [.attribute("axis", int: -1)])],
      lines: ["%y: f32[2,3,4] = Hardmax(%x)"]),
    LiftCase(
      name: "CastLike", opset: 19,
      parts: [
        .initializer("like", [1], [1]),
        .node("CastLike", ["x", "like"], ["y"], [.attribute("saturate", int: 1)]),
      ],
      lines: ["%y: f32[2,3,4] = Cast(%x)"]),
    LiftCase(
      name: "SwiGLU", opset: 28,
      parts: [.node("SwiGLU", ["x", "x"], ["y"], [.attribute("alpha", float: 2)])],
      lines: ["%y_gate: f32[2,3,4] = Swish(%x) {alpha=2.0}", "%y: f32[2,3,4] = Mul(%y_gate, %x)"]),
    LiftCase(
      name: "DFT", opset: 17, parts: [.node("DFT", ["x"], ["y"])],
      lines: ["%y: f32[2,3,2] = DFT(%x, _, 1.0)"], dims: ["2", "3", "1"]),
    LiftCase(
      name: "GroupNormalization", opset: 18,
      parts: [
        .initializer("c", [2], [1, 2]),
        .node("GroupNormalization", ["x", "c", "c"], ["y"], [.attribute("num_groups", int: 2)]),
      ],
      lines: [
        "%y_scale_column: f32[2,1] = Unsqueeze(@c: f32[2], @y_scale_axis: i64[1])",
        "%y_scale_spread: f32[2,2] = Expand(%y_scale_column, @y_scale_width: i64[2])",
        "%y_scale: f32[4] = Reshape(%y_scale_spread, @y_scale_shape: i64[1])",
        "%y_bias_column: f32[2,1] = Unsqueeze(@c: f32[2], @y_bias_axis: i64[1])",
        "%y_bias_spread: f32[2,2] = Expand(%y_bias_column, @y_bias_width: i64[2])",
        "%y_bias: f32[4] = Reshape(%y_bias_spread, @y_bias_shape: i64[1])",
        "%y: f32[1,4,3] = GroupNormalization(%x, %y_scale, %y_bias) {num_groups=2}",
      ], dims: ["1", "4", "3"]),
  ]

  @Test(arguments: attributes + meanings + numeric)
  func lifts(_ lift: LiftCase) throws {
    let graph = try ONNX.read(
      Bytes(
        .model(
          opset: lift.opset, domain: lift.domain,
          [.text(2, "g"), .input("x", lift.dims), .output("y")] + lift.parts)))
    let lines = graph.text.split(separator: "\n").dropFirst().map { $0.dropFirst(2) }
    #expect(lines.map { String($0) } == lift.lines)
    for (name, integers) in lift.constants {
      #expect(graph.values.first { $0.name == name }?.constant?.integers == integers)
    }
  }
}
