import Foundation
import SparrowCore
import SparrowPasses
import SparrowRuntime

/// The classes that a loss compares a network's scores with.
enum GradientLabels {
  /// The data's own, else the classes to which `graph` gives the highest scores.
  static func labels(
    of data: any CalibrationData, _ graph: Graph, batch: Int, threads: Int
  ) throws(CompressError) -> [Int] {
    if let labels = data.labels {
      guard labels.count == data.count else {
        throw .calibration("there are \(data.count) samples, but \(labels.count) labels")
      }
      return labels
    }
    return try scores(of: graph, data, batch: batch, threads: threads).map { row in
      row.firstIndex(of: row.max() ?? 0) ?? 0
    }
  }

  /// Classes drawn from the softmax of the scores divided by `temperature`; the same in every run.
  static func drawn(
    from graph: Graph, _ data: any CalibrationData, temperature: Double, threads: Int
  ) throws(CompressError) -> [Int] {
    let rows = try scores(of: graph, data, batch: 64, threads: threads)
    return rows.enumerated().map { sample, row in
      let largest = row.max() ?? 0
      let shares = row.map { exp(($0 - largest) / temperature) }
      // The generator's step times the sample's number: each sample draws its own number.
      var random = SplitMix64(seed: UInt64(sample) &* 0x9e37_79b9_7f4a_7c15)
      var rest = random.uniform() * shares.reduce(0, +)
      for (c, share) in shares.enumerated() {
        rest -= share
        if rest < 0 { return c }
      }
      return max(0, row.count - 1)
    }
  }

  /// The class scores of each sample, before any softmax.
  private static func scores(
    of graph: Graph, _ data: any CalibrationData, batch: Int, threads: Int
  ) throws(CompressError) -> [[Double]] {
    var alone = graph
    do throws(DifferentiationError) {
      alone.outputs = [try alone.addCrossEntropyLoss().scores]
    } catch {
      throw .calibration(error.message)
    }
    alone.inputs = graph.inputs
    alone.removeDeadNodes()
    let declared = graph.inputs.first.flatMap { graph[$0].type?.dimensions?.first?.value }
    let size = declared ?? max(1, min(batch, data.count))
    var rows: [[Double]] = []
    do throws(RuntimeError) {
      let session = try Session(alone, options: SessionOptions(threads: threads))
      for first in stride(from: 0, to: data.count, by: size) {
        let end = min(first + size, data.count)
        if declared != nil, end - first < size { break }
        rows += split(try session.run(data.batch(first..<end))[0])
      }
    } catch {
      throw .calibration(error.message)
    }
    return rows
  }

  /// The scores of each sample's first position.
  private static func split(_ scores: Tensor) -> [[Double]] {
    guard scores.rank >= 2 else { return [] }
    let values = scores.doubles
    let (rows, classes) = (scores.shape[0], scores.shape[1])
    let plane = scores.shape[2...].reduce(1, *)
    return (0..<rows).map { row in
      (0..<classes).map { values[(row * classes + $0) * plane] }
    }
  }
}
