import SparrowTestSupport
import Testing

@testable import Sparrow

/// Images of arrays resized to what a model takes.
struct ImageFitTests {
  /// Of float32 sums of a few dozen products.
  static let tolerance: Float = 1e-4

  private func model(_ shape: [Int]) throws -> Model {
    var graph = Graph(name: "identity")
    let x = graph.addInput(
      "x", TensorType(.float32, [.symbol("n")] + shape.map { .known($0) }))
    graph.outputs = [try graph.add(.unary(Unary(.relu)), [x], name: "y")]
    return Model(graph: graph, path: "identity.onnx")
  }

  private func dataset(_ shape: [Int], seed: UInt64) -> Dataset {
    var random = SeededGenerator(seed: seed)
    let values = (0..<shape.elementCount).map { _ in Float.random(in: 0...1, using: &random) }
    return Dataset(samples: Tensor(values, shape: shape), labels: nil, path: "data")
  }

  /// A pixel by the definition: the weighted mean of all old ones, weights a triangle as wide as the
  /// step.
  private func pixel(
    _ old: (Int, Int) -> Float, _ size: (Int, Int), _ new: (Int, Int), _ y: Int, _ x: Int
  ) -> Float {
    func weights(_ source: Int, _ length: Int, _ place: Int) -> [Double] {
      let scale = Double(source) / Double(length)
      let raw = (0..<source).map {
        max(0, 1 - abs(Double($0) + 0.5 - (Double(place) + 0.5) * scale) / max(scale, 1))
      }
      return raw.map { $0 / raw.reduce(0, +) }
    }
    let (rows, columns) = (weights(size.0, new.0, y), weights(size.1, new.1, x))
    var sum = 0.0
    for i in 0..<size.0 {
      for j in 0..<size.1 { sum += rows[i] * columns[j] * Double(old(i, j)) }
    }
    return Float(sum)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var source: [Int]
    var wanted: [Int]
    /// The place of (channel, row, column) in a sample.
    var size: (Int, Int)
    var place: @Sendable (Int, Int, Int) -> Int
    var testDescription: String { "\(source) to \(wanted)" }
  }

  static let cases = [
    Case(source: [8, 8], wanted: [1, 28, 28], size: (8, 8)) { $1 * 8 + $2 },
    Case(source: [8, 8], wanted: [3, 20, 12], size: (8, 8)) { $1 * 8 + $2 },
    Case(source: [28, 28], wanted: [1, 9, 9], size: (28, 28)) { $1 * 28 + $2 },
    Case(source: [64], wanted: [3, 5, 5], size: (8, 8)) { $1 * 8 + $2 },
    Case(source: [64], wanted: [144], size: (8, 8)) { $1 * 8 + $2 },
    Case(source: [3, 6, 7], wanted: [3, 10, 10], size: (6, 7)) { $0 * 42 + $1 * 7 + $2 },
    Case(source: [6, 7, 3], wanted: [3, 4, 10], size: (6, 7)) { ($1 * 7 + $2) * 3 + $0 },
    Case(source: [1, 5, 5], wanted: [3, 5, 5], size: (5, 5)) { $1 * 5 + $2 },
  ]

  @Test(arguments: cases) func pixelsAreTheDefinition(_ test: Case) throws {
    let data = dataset([2] + test.source, seed: 11)
    let values = try #require(data.samples.floats)
    let source = try SampleSource(
      data, for: try model(test.wanted), preprocessing: try Preprocessing("scale=2,mean=0.25,fit"))
    let batch = source.batch(0..<2)[0]
    #expect(batch.shape == [2] + test.wanted)
    let found = try #require(batch.floats)
    let isFlat = test.wanted.count == 1
    let height = isFlat ? 12 : test.wanted[1]
    let width = isFlat ? 12 : test.wanted[2]
    let channels = isFlat ? 1 : test.wanted[0]
    let size = test.source.elementCount
    let isGrey = size == test.size.0 * test.size.1
    for i in found.indices {
      let (n, rest) = (i / (channels * height * width), i % (channels * height * width))
      let (c, y, x) = (rest / (height * width), rest / width % height, rest % width)
      let expected = pixel(
        { values[n * size + test.place(isGrey ? 0 : c, $0, $1)] }, test.size, (height, width), y, x)
      #expect(abs(found[i] - (expected / 2 - 0.25)) < Self.tolerance, "\(test) at \(i)")
    }
  }

  @Test func channelsHaveTheirOwnMeans() throws {
    let data = dataset([1, 4, 4], seed: 12)
    let source = try SampleSource(
      data, for: try model([3, 8, 8]), preprocessing: try Preprocessing("mean=0:1:2,fit"))
    let found = try #require(source.batch(0..<1)[0].floats)
    for i in 0..<64 {
      #expect(abs(found[i] - 1 - found[64 + i]) < Self.tolerance)
      #expect(abs(found[i] - 2 - found[128 + i]) < Self.tolerance)
    }
  }

  @Test func onlyWhatIsAskedForIsResized() throws {
    let grey = dataset([1, 8, 8], seed: 13)
    func message(_ shape: [Int], _ wanted: [Int], _ spec: String) throws -> String {
      let (data, model) = (dataset([1] + shape, seed: 1), try model(wanted))
      do throws(SparrowError) {
        _ = try SampleSource(data, for: model, preprocessing: Preprocessing(spec))
        return "none"
      } catch {
        return error.message
      }
    }
    #expect(try message([8, 8], [1, 28, 28], "none").contains("--preprocess fit resizes them"))
    #expect(try message([3, 8, 8], [1, 8, 8], "fit").contains("of shape [3, 8, 8]"))
    #expect(try message([5, 8, 8], [5, 9, 9], "fit").contains("of shape [5, 8, 8]"))
    #expect(try message([63], [1, 8, 8], "fit").contains("of shape [63]"))
    #expect(try message([8, 8], [1, 28, 28], "unit,fit") == "none")
    #expect(try message([8, 8], [1, 28, 28], "fit,unit") == "none")
    let same = try SampleSource(
      grey, for: try model([1, 8, 8]), preprocessing: try Preprocessing("fit"))
    #expect(same.batch(0..<1)[0].floats == grey.samples.floats)
  }
}
