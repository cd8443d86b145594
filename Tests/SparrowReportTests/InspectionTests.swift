import Foundation
import SparrowCore
import SparrowReport
import SparrowRuntime
import Testing

/// A convolution with a dynamic batch, a depthwise one, and a classifier.
func smallNetwork(
  convolution: Tensor = Tensor([Float](repeating: 1, count: 8 * 4 * 9), shape: [8, 4, 3, 3])
) throws -> Graph {
  var graph = Graph(name: "small")
  let x = graph.addInput(
    "image", TensorType(.float32, [.symbol("n"), .known(4), .known(10), .known(12)]))
  let w0 = graph.addConstant("conv.weight", convolution)
  let b0 = graph.addConstant("conv.bias", Tensor([Float](repeating: 0, count: 8)))
  let y = try graph.add(
    .conv(Conv(window: Window(pads: [1, 1, 1, 1]))), [x, w0, b0], name: "conv")
  let w1 = graph.addConstant(
    "dw.weight", Tensor([Float](repeating: 2, count: 8 * 9), shape: [8, 1, 3, 3]))
  let z = try graph.add(.conv(Conv(group: 8)), [y, w1], name: "dw")
  let pooled = try graph.add(.globalPool(GlobalPool(.average)), [z], name: "pool")
  let flat = try graph.add(.flatten(Flatten()), [pooled], name: "flat")
  let fc = [Float](repeating: 0, count: 40) + [Float](repeating: -3, count: 40)
  let w2 = graph.addConstant("fc.weight", Tensor(fc, shape: [8, 10]))
  graph.outputs = [try graph.add(.matMul(MatMul()), [flat, w2], name: "fc")]
  return graph
}

struct InspectionTests {
  @Test func countsOfASmallNetwork() throws {
    let found = Inspection(try smallNetwork(), model: "small")
    #expect(found.totals.nodes == 5)
    #expect(found.totals.parameters == 288 + 8 + 72 + 80)
    #expect(found.totals.weights == 440)
    #expect(found.totals.nonzeros == 400)
    #expect(found.totals.inputShapes == [[1, 4, 10, 12]])
    #expect(found.layers.map { $0.multiplyAdds } == [288 * 120, 72 * 80, 80])
    #expect(found.layers.map { $0.nonzeroMultiplyAdds } == [288 * 120, 72 * 80, 40])
    #expect(found.layers.map { $0.kind } == ["convolution", "depthwise", "linear"])
    #expect(found.operators.first?.op == "Conv" && found.operators.first?.nodes == 2)
    #expect(found.storage.map { $0.storage } == ["f32 dense"])
    #expect(found.storage.map { $0.bytes } == [448 * 4])
    #expect(found.inputs.map { $0.type } == ["f32[n,4,10,12]"])
  }

  @Test func gatesLeavePartOfTheWork() throws {
    let graph = try smallNetwork()
    var found = Inspection(graph, model: "small")
    let conv = GatedWork(node: "Conv 'conv'", multiplyAdds: 1000, realisedMultiplyAdds: 250)
    let none = GatedWork(node: "Conv 'dw'", multiplyAdds: 0, realisedMultiplyAdds: 0)
    found.add([conv, none], of: graph, samples: 7)
    let realised = [288 * 120 / 4, 72 * 80, 80]
    #expect(found.layers.map { $0.realisedMultiplyAdds } == realised)
    #expect(found.totals.realisedMultiplyAdds == realised.reduce(0, +))
    #expect(found.text(byLayer: true).contains("mean of 7 samples"))
    #expect(found.html().contains(">realised<"))
  }

  @Test func openShapesLeaveWorkOut() throws {
    var graph = Graph(name: "open")
    let x = graph.addInput(
      "x", TensorType(.float32, [.symbol("n"), .known(3), .unknown, .unknown]))
    let w = graph.addConstant("w", Tensor([Float](repeating: 1, count: 6), shape: [2, 3, 1, 1]))
    graph.outputs = [try graph.add(.conv(Conv()), [x, w], name: "y")]
    let open = Inspection(graph, model: "open")
    #expect(open.totals.multiplyAdds == nil)
    #expect(open.text().contains("--input-shapes"))
    let given = Inspection(graph, model: "open", inputShapes: ["x": [2, 3, 4, 5]])
    #expect(given.totals.multiplyAdds == 6 * 2 * 4 * 5)
  }

  @Test(arguments: [
    ("1x4", 0.8), ("4x1", 0.8), ("4x4", 0.9), ("8x1", 0.5), ("2:4", 0.5), ("1:4", 0.75),
    ("unstructured", 0.8), ("unstructured", 0.01), ("dense", 0),
  ])
  func structureOfZeros(structure: String, sparsity: Double) throws {
    let (outputs, inputs, positions) = (32, 32, 9)
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var values = [Float](repeating: 1, count: outputs * inputs * positions)
    let view = WeightView.outputsFirst([outputs, inputs, positions])
    if structure.contains(":") {
      let parts = structure.split(separator: ":").compactMap { Int($0) }
      for o in 0..<outputs {
        for p in 0..<positions {
          for first in stride(from: 0, to: inputs, by: parts[1]) {
            var members = Array(first..<(first + parts[1]))
            for _ in 0..<(parts[1] - parts[0]) {
              let i = members.remove(at: random(members.count))
              values[view.element(output: o, input: i, position: p)] = 0
            }
          }
        }
      }
    } else if structure != "dense" {
      let parts = structure.split(separator: "x").compactMap { Int($0) }
      let (r, c) = parts.count == 2 ? (parts[0], parts[1]) : (1, 1)
      for o in stride(from: 0, to: outputs, by: r) {
        for i in stride(from: 0, to: inputs, by: c) {
          for p in 0..<positions where Double(random(1000)) < 1000 * sparsity {
            for a in 0..<r {
              for b in 0..<c { values[view.element(output: o + a, input: i + b, position: p)] = 0 }
            }
          }
        }
      }
    }
    var graph = Graph(name: "one")
    let x = graph.addInput("x", TensorType(.float32, shape: [1, inputs, 3, 3]))
    let w = graph.addConstant("w", Tensor(values, shape: [outputs, inputs, 3, 3]))
    graph.outputs = [try graph.add(.conv(Conv()), [x, w], name: "y")]
    let expected = ["unstructured", "dense"].contains(structure) ? nil : structure
    for encoded in [false, true] {
      var graph = graph
      if encoded { graph[w].constant = graph[w].constant?.smallestStorage() }
      let layer = try #require(Inspection(graph, model: "one").layers.first)
      #expect(layer.structure == expected, "\(layer.storage)")
    }
  }

  @Test func textHasARowForEachWeight() throws {
    let text = Inspection(try smallNetwork(), model: "small").text(byLayer: true)
    #expect(text.contains("conv.weight  Conv            8x4x3x3"))
    #expect(text.contains("50.0 %"))
    #expect(text.contains("sparsity      9.1 % of the weights are zero"))
    #expect(!Inspection(try smallNetwork(), model: "small").text().contains("conv.weight"))
  }

  @Test func namesAreEscapedInHTML() throws {
    var graph = try smallNetwork()
    graph.values[1].name = "<script>&\"'"
    let html = Inspection(graph, model: "a<b").html()
    #expect(!html.contains("<script"))
    #expect(html.contains("&lt;script&gt;&amp;&quot;&#39;"))
    #expect(html.contains("<title>a&lt;b</title>"))
    // Self-contained: it refers to nothing outside itself.
    for reference in ["http:", "https:", "src=", "href=", "@import", "url("] {
      #expect(!html.contains(reference), "\(reference)")
    }
  }

  @Test func everyElementOfThePageIsClosed() throws {
    let html = Inspection(try smallNetwork(), model: "small").html()
    for tag in ["html", "head", "body", "main", "table", "caption", "tr", "td", "dl", "div"] {
      let opened =
        html.components(separatedBy: "<\(tag)>").count
        + html.components(separatedBy: "<\(tag) ").count - 2
      #expect(opened == html.components(separatedBy: "</\(tag)>").count - 1, "\(tag)")
    }
  }

  @Test func jsonReadsBack() throws {
    let found = Inspection(try smallNetwork(), model: "small")
    let read = try JSONDecoder().decode(Inspection.self, from: Data(try found.json().utf8))
    #expect(read == found)
  }

  @Test func anEmptyGraph() throws {
    let found = Inspection(Graph(name: "empty"), model: "empty")
    #expect(found.totals.sparsity == 0)
    #expect(found.totals.theoreticalSpeedup == nil)
    #expect(!found.html().isEmpty)
  }
}

struct ComparisonTests {
  @Test func differencesOfWeights() throws {
    let first = try smallNetwork()
    var values = [Float](repeating: 1, count: 288)
    for i in 0..<144 { values[i] = 0 }
    values[200] = 1.5
    let second = try smallNetwork(convolution: Tensor(values, shape: [8, 4, 3, 3]))
    let found = Comparison(first, second, firstModel: "a", secondModel: "b")
    #expect(found.layers.map { $0.changed } == [145, 0, 0])
    #expect(found.layers.map { $0.largestDifference } == [1, 0, 0])
    #expect(found.layers[0].secondSparsity == 0.5)
    #expect(found.onlyInFirst.isEmpty && found.onlyInSecond.isEmpty)
    #expect(found.text(byLayer: true).contains("145 of 440 common weights differ, by at most 1\n"))
    #expect(found.html().contains("<title>a and b</title>"))
  }

  @Test func correlationOfTheLargestWeights() throws {
    func network(_ seed: UInt64, _ change: (Int, Float) -> Float = { $1 }) throws -> Graph {
      var generator = SplitMix64(seed: seed)
      let values = (0..<288).map { change($0, Float(generator.next() >> 40) * 0x1p-24 - 0.5) }
      return try smallNetwork(convolution: Tensor(values, shape: [8, 4, 3, 3]))
    }
    func found(_ a: Graph, _ b: Graph, _ p: Double) -> Double? {
      Comparison(a, b, firstModel: "a", secondModel: "b", fraction: p).layers[0].correlation
    }
    let first = try network(1)
    #expect(found(first, first, 0.2) == 1)
    #expect(found(first, try network(1) { -2 * $1 }, 0.2) == 1)
    // Unrelated weights meet by chance.
    let other = try #require(found(first, try network(2), 0.2))
    #expect(abs(other - 0.2) < 0.1, "seeds 1 and 2: \(other)")
    // Half of the 58 largest are moved to the bottom.
    let order = (first[try #require(first.weights().first).value].constant?.floats ?? [])
      .enumerated().sorted { abs($0.element) > abs($1.element) }
    let lost = Set(order.prefix(29).map { $0.offset })
    #expect(found(first, try network(1) { lost.contains($0) ? 1e-6 : $1 }, 0.2) == 0.5)
    // Of a sparse model only what is left counts: the same half is now nowhere.
    #expect(found(first, try network(1) { lost.contains($0) ? 0 : $1 }, 0.2) == 1)
    #expect(found(first, try network(1) { _, _ in 0 }, 0.2) == nil)
    let whole = Comparison(first, first, firstModel: "a", secondModel: "b")
    #expect(whole.correlation == WeightCorrelation(fraction: 0.2, value: 1))
    #expect(whole.text().contains("R_0.2 is 1.000"))
  }

  @Test func renamedAndNonFiniteWeights() throws {
    let first = try smallNetwork()
    var second = first
    second.values[1].name = "other"
    let weight = Tensor([Float](repeating: .nan, count: 80), shape: [8, 10])
    let fc = try #require(second.weights().last)
    second[fc.value].constant = weight
    let found = Comparison(first, second, firstModel: "a", secondModel: "b")
    #expect(found.onlyInFirst == ["conv.weight"])
    #expect(found.onlyInSecond == ["other"])
    #expect(found.layers.last?.largestDifference == nil)
  }
}
