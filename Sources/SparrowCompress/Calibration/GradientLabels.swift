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
    return try predictions(of: graph, data, batch: batch, threads: threads)
  }

  private static func predictions(
    of graph: Graph, _ data: any CalibrationData, batch: Int, threads: Int
  ) throws(CompressError) -> [Int] {
    guard let output = graph.outputs.first else {
      throw .calibration("the network has no output to predict classes by")
    }
    var alone = graph
    alone.outputs = [output]
    let declared = graph.inputs.first.flatMap { graph[$0].type?.dimensions?.first?.value }
    let size = declared ?? max(1, min(batch, data.count))
    var classes: [Int] = []
    do throws(RuntimeError) {
      let session = try Session(alone, options: SessionOptions(threads: threads))
      for first in stride(from: 0, to: data.count, by: size) {
        let end = min(first + size, data.count)
        if declared != nil, end - first < size { break }
        classes += rowMaxima(try session.run(data.batch(first..<end))[0])
      }
    } catch {
      throw .calibration(error.message)
    }
    return classes
  }

  /// The position of the largest element along axis 1 of each sample's first position.
  private static func rowMaxima(_ scores: Tensor) -> [Int] {
    guard scores.rank >= 2, scores.shape[0] > 0 else { return [] }
    let values = scores.doubles
    let (rows, classes) = (scores.shape[0], scores.shape[1])
    let plane = scores.shape[2...].reduce(1, *)
    return (0..<rows).map { row in
      var best = 0
      for c in 1..<max(1, classes)
      where values[(row * classes + c) * plane] > values[(row * classes + best) * plane] {
        best = c
      }
      return best
    }
  }
}
