import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

/// What the exporter writes, decoded by protoc with `Schemas/onnx.proto`.
@Suite(.enabled(if: Protoc.path != nil, "protoc is not installed"))
struct ONNXSchemaTests {
  @Test func decodesToTheExpectedText() throws {
    var graph = Graph(name: "net")
    graph.metadata = [MetadataEntry(key: "classes", value: "cat")]
    let x = graph.addInput(
      "x", TensorType(.float32, [.symbol("n"), .unknown, .known(2), .known(2)]))
    let w = graph.addConstant("w", Tensor([Float(1), -2], shape: [2, 1, 1, 1]))
    let conv = Conv(window: Window(strides: [2, 1]), group: 1, activation: .clip(low: 0, high: 6))
    graph.outputs = [try graph.add(.conv(conv), [x, w], name: "y")]
    #expect(
      try Protoc.decode(graph) == """
        ir_version: 10
        producer_name: "sparrow"
        graph {
          node {
            input: "x"
            input: "w"
            output: "y_linear"
            name: "y"
            op_type: "Conv"
            attribute {
              name: "strides"
              ints: 2
              ints: 1
              type: INTS
            }
            attribute {
              name: "auto_pad"
              s: "NOTSET"
              type: STRING
            }
            attribute {
              name: "group"
              i: 1
              type: INT
            }
          }
          node {
            input: "y_linear"
            input: "y_min"
            input: "y_max"
            output: "y"
            name: "y"
            op_type: "Clip"
          }
          name: "net"
          initializer {
            dims: 2
            dims: 1
            dims: 1
            dims: 1
            data_type: 1
            name: "w"
            raw_data: "\\000\\000\\200?\\000\\000\\000\\300"
          }
          initializer {
            data_type: 1
            name: "y_min"
            raw_data: "\\000\\000\\000\\000"
          }
          initializer {
            data_type: 1
            name: "y_max"
            raw_data: "\\000\\000\\300@"
          }
          input {
            name: "x"
            type {
              tensor_type {
                elem_type: 1
                shape {
                  dim {
                    dim_param: "n"
                  }
                  dim {
                  }
                  dim {
                    dim_value: 2
                  }
                  dim {
                    dim_value: 2
                  }
                }
              }
            }
          }
          output {
            name: "y"
            type {
              tensor_type {
                elem_type: 1
                shape {
                  dim {
                    dim_param: "n"
                  }
                  dim {
                    dim_value: 2
                  }
                  dim {
                    dim_value: 1
                  }
                  dim {
                    dim_value: 2
                  }
                }
              }
            }
          }
        }
        opset_import {
          domain: ""
          version: 21
        }
        metadata_props {
          key: "classes"
          value: "cat"
        }

        """)
  }

  /// Every operator's file uses only fields of the schema: protoc prints others as bare numbers.
  @Test(arguments: SampleGraphs.operators + SampleGraphs.varied)
  func everyFieldIsInTheSchema(_ op: Op) throws {
    let text = try Protoc.decode(try SampleGraphs.graph(of: op))
    let names = text.split(separator: "\n").map { $0.drop { $0 == " " } }
    #expect(!names.contains { $0.first?.isNumber ?? false })
    #expect(text.contains("op_type: \"\(op.name)\""))
  }
}

private enum Protoc {
  static let path: String? = {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { $0 + "/protoc" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }()

  /// The text of the file that the graph is written to.
  static func decode(_ graph: Graph) throws -> String {
    try TemporaryFolder.use { folder in
      try ONNX.write(graph, to: folder + "/m.onnx")
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(path))
      let schemas = URL(fileURLWithPath: Fixtures.folder + "/../Schemas").standardized.path
      process.arguments = ["--proto_path=\(schemas)", "--decode=onnx.ModelProto", "onnx.proto"]
      process.standardInput = try FileHandle(
        forReadingFrom: URL(fileURLWithPath: folder + "/m.onnx"))
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let text = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return String(decoding: text, as: UTF8.self)
    }
  }
}
