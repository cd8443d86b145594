import Foundation
import SparrowCore
import SparrowRuntime
import Testing

/// Cases of fixtures/operators: `WORDS: output elements`.
private func cases(_ name: String) -> [(words: [String], output: [Double])] {
  let root = URL(filePath: #filePath).appending(path: "../../..").standardized
  let file = root.appending(path: "fixtures/operators/\(name).txt")
  guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
  return text.split(separator: "\n").map { line in
    let parts = line.split(separator: ":")
    return (
      parts[0].split(separator: " ").map { String($0) },
      parts[1].split(separator: " ").map { Double($0) ?? .nan }
    )
  }
}

private func list(_ word: String) -> [Int] { word.split(separator: ",").compactMap { Int($0) } }

/// The fixtures keep six digits, and cubic weights of both signs cancel on squares of up to 49.
private let fixtureTolerance = 1e-5

@Suite struct OperatorsGoldenTests {
  @Test func resizeFollowsEveryModeCoordinateRuleAndRounding() throws {
    let all = cases("resize")
    #expect(all.count == 120)
    let x = Tensor((0..<8).map { Float($0 * $0) }, shape: [1, 1, 2, 4])
    for (words, output) in all {
      var op = Resize()
      op.mode = try #require(Resize.Mode.allCases.first { $0.name == words[0] })
      op.coordinates = try #require(Resize.Coordinates.allCases.first { $0.name == words[1] })
      op.rounding = try #require(Resize.Rounding.allCases.first { $0.name == words[2] })
      let target =
        words[3] == "scales"
        ? Tensor(words[4].split(separator: ",").compactMap { Float($0) }) : integers(list(words[4]))
      let inputs = words[3] == "scales" ? [x, nil, target] : [x, nil, nil, target]
      let y = try run(.resize(op), inputs, constant: [2, 3])[0]
      #expect(isClose(y, output, tolerance: fixtureTolerance), "\(words)")
      if op.mode == .nearest {
        let words = try run(.cast(Cast(to: .int8)), [x])[0]
        let small = try run(.resize(op), [words] + inputs.dropFirst(), constant: [2, 3])[0]
        #expect(small.integers == output.map { Int($0) })
      }
    }
  }

  @Test func poolingFollowsPaddingRoundingAndDilation() throws {
    let all = cases("pool")
    #expect(all.count == 54)
    for (words, output) in all {
      var window = Window(kernel: list(words[2]), strides: list(words[3]), pads: list(words[4]))
      window.dilations = list(words[5])
      var op = Pool(words[0] == "MaxPool" ? .max : .average, window: window)
      (op.ceilMode, op.countsPadding) = (words[6] == "1", words[7] == "1")
      let shape = [1, 2] + list(words[1])
      let values = (0..<shape.elementCount).map { Float($0 * 7 % 23) }
      let y = try run(.pool(op), [Tensor(values, shape: shape)])[0]
      #expect(y.shape == list(words[8]), "\(words)")
      #expect(isClose(y, output, tolerance: fixtureTolerance), "\(words)")
      let wide = try run(.pool(op), [Tensor(values.map { Double($0) }, shape: shape)])[0]
      #expect(isClose(wide, output, tolerance: fixtureTolerance), "float64 \(words)")
    }
  }
}
