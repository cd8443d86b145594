import CKernels
import SparrowCore

/// The weights between a convolution's open channels, gathered into panels that the kernels read, a few
/// output channels at a time so that they are still in L2 when they are multiplied.
///
/// ```
/// all rows       panels of all weights       the steps of open inputs are copied, a channel's at a time
/// open rows      the weight as it is         rows come side by side in L1, a piece of them at a time,
///                                            and are turned into panels
/// ```
struct GatheredWeights: @unchecked Sendable {
  private enum Source {
    case panels(WeightPanels)
    case rows(Slot)
  }

  /// Output channels of a panel.
  let width: Int
  private let kernels: UnsafePointer<sp_kernel_table>
  private let kind: DenseKind
  private let source: Source
  private let inputs: Int
  private let positions: Int
  /// Input channels of a piece of rows, and the memory of a worker's pieces.
  private let pieceChannels: Int
  private let pieces: Slot?

  /// Of a weight `[outputs, inputs, positions...]`. `gathersRows`: not all output channels are open.
  init(
    _ p: inout Preparation, _ shape: ConvolutionShape, _ kind: DenseKind, gathersRows: Bool
  ) throws(RuntimeError) {
    (kernels, self.kind) = (p.kernels, kind)
    (inputs, positions) = (shape.inputs, shape.positions)
    width = kind.panelRows(p.kernels.pointee)
    pieceChannels = max(1, min(shape.inputs, Self.pieceSteps / max(1, shape.positions)))
    if gathersRows {
      source = .rows(p.slot(try p.input(1)))
      pieces = p.scratch(bytes: p.threads * width * pieceChannels * positions * 4)
    } else {
      source = .panels(
        try WeightPanels(
          &p, kind.side, groups: 1, rows: shape.outputs, k: shape.k,
          source: WeightStrides(group: 0, row: shape.k, k: 1)))
      pieces = nil
    }
  }

  /// Steps of the reduction whose weights for a panel fit L1.
  private static var pieceSteps: Int { 256 }

  /// The tasks of the phase that packs computed weights; none where there is none.
  var phases: [Int] {
    switch source {
    case .panels(let panels): panels.phases
    case .rows: []
    }
  }

  /// Packs the panel of a task's number.
  func pack(_ work: borrowing Work) {
    if case .panels(let panels) = source { panels.pack(work) }
  }

  /// Gathers the panels of `rows`, which begin at a panel, to `target`: they number the channels in
  /// `open`, or all where that is nil; likewise `inputs`.
  func gather(
    _ work: borrowing Work, _ rows: Range<Int>, of open: UnsafeBufferPointer<Int32>?,
    inputs: UnsafeBufferPointer<Int32>?, to target: UnsafeMutablePointer<Float>
  ) {
    let steps = (inputs?.count ?? self.inputs) * positions
    var (first, target) = (rows.lowerBound, target)
    while first < rows.upperBound {
      let last = min(rows.upperBound, first + width)
      switch source {
      case .panels(let panels):
        let panel = panels.panels(group: 0, work) + first * self.inputs * positions
        copy(panel, inputs, 0..<(inputs?.count ?? self.inputs), floats: width, to: target)
      case .rows(let weight):
        turn(work, UnsafePointer(work.floats(weight)), first..<last, open, inputs, to: target)
      }
      first = last
      target += width * steps
    }
  }

  /// Turns rows of the weight into a panel.
  private func turn(
    _ work: borrowing Work, _ weight: UnsafePointer<Float>, _ rows: Range<Int>,
    _ open: UnsafeBufferPointer<Int32>?, _ inputs: UnsafeBufferPointer<Int32>?,
    to target: UnsafeMutablePointer<Float>
  ) {
    guard let pieces else { return }
    let stride = pieceChannels * positions
    let piece = work.floats(pieces) + work.worker * width * stride
    let channels = inputs?.count ?? self.inputs
    var first = 0
    while first < channels {
      let last = min(channels, first + pieceChannels)
      for (i, row) in rows.enumerated() {
        let source = weight + (open.map { Int($0[row]) } ?? row) * self.inputs * positions
        copy(source, inputs, first..<last, floats: 1, to: piece + i * stride)
      }
      let (steps, panel) = ((last - first) * positions, target + first * positions * width)
      switch kind {
      case .rows: kernels.pointee.f32_pack_a(rows.count, steps, piece, stride, 1, panel)
      case .columns: kernels.pointee.f32_pack_b(steps, rows.count, piece, 1, stride, panel)
      }
      first = last
    }
  }

  /// Copies the weights of some input channels, each step of which is `floats` floats, neighbours together.
  @inline(__always)
  private func copy(
    _ source: UnsafePointer<Float>, _ inputs: UnsafeBufferPointer<Int32>?, _ channels: Range<Int>,
    floats: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let channelFloats = positions * floats
    guard let inputs else {
      target.update(
        from: source + channels.lowerBound * channelFloats, count: channels.count * channelFloats)
      return
    }
    var (first, target) = (channels.lowerBound, target)
    while first < channels.upperBound {
      var last = first + 1
      while last < channels.upperBound, inputs[last] == inputs[last - 1] + 1 { last += 1 }
      let count = (last - first) * channelFloats
      target.update(from: source + Int(inputs[first]) * channelFloats, count: count)
      (first, target) = (last, target + count)
    }
  }
}
