import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowTrain

/// Whole runs of small networks.
struct TrainerTests {
  private let data = Small.clusters(96)
  private let held = Small.clusters(60, samplesSeed: 77)

  private func settings(epochs: Int = 6) -> TrainingSettings {
    TrainingSettings(
      epochs: epochs, batch: 16, seed: 11,
      schedule: LearningRateSchedule(0.1, .cosine(), warmUp: 1))
  }

  @Test func learnsWhatCanBeLearnt() throws {
    var settings = settings()
    settings.clip = 5
    let result = try Trainer(
      try Small.mlp(), data: data, held: held, settings: settings
    ).train()
    let last = try #require(result.history.last)
    #expect(result.history.map { $0.epoch } == [1, 2, 3, 4, 5, 6])
    #expect(try #require(last.test_accuracy) > 0.9)
    #expect(last.loss < result.history[0].loss / 2)
    #expect(last.steps == 36 && last.sparsity == 0)
  }

  @Test func squaredErrorsAndTeachersWorkToo() throws {
    var settings = settings()
    settings.loss = TrainingLoss(.meanSquaredError)
    let squared = try Trainer(
      try Small.mlp(), data: data, held: held, settings: settings
    ).train()
    #expect(try #require(squared.history.last?.test_accuracy) > 0.9)
    settings.loss = TrainingLoss(distillation: Distillation(share: 1, temperature: 2))
    // Labels say nothing here: the teacher says it all.
    let blank = TensorData(data.inputs, labels: [Int](repeating: 0, count: data.count))
    let taught = try Trainer(
      try Small.mlp(seed: 5), data: blank, held: held, settings: settings, teacher: squared.graph
    ).train()
    #expect(try #require(taught.history.last?.test_accuracy) > 0.85)
    #expect(throws: TrainError.self) {
      _ = try Trainer(try Small.mlp(), data: data, settings: settings)
    }
  }

  @Test func convolutionsWithNormalizationLearn() throws {
    let images = Small.clusters(80, shape: [2, 4, 4])
    var settings = settings(epochs: 8)
    settings.augmentation = Augmentation(crop: 1)
    let graph = try Small.convolutional()
    let result = try Trainer(
      graph, data: images, held: Small.clusters(60, shape: [2, 4, 4], samplesSeed: 5),
      settings: settings
    ).train()
    #expect(try #require(result.history.last?.test_accuracy) > 0.8)
    let (before, after) = (graph.tensors, result.graph.tensors)
    #expect(before.keys.sorted() == after.keys.sorted())
    for name in before.keys { #expect(before[name] != after[name], "\(name) stayed") }
  }

  @Test(arguments: MethodSamples.all) func targetsAreMet(_ sample: MethodSamples) throws {
    let result = try Trainer(
      try Small.mlp(), data: data, held: held, settings: settings(epochs: 12), method: sample.method
    ).train()
    let last = try #require(result.history.last)
    // 144 weights; rounding in two layers.
    if let target = sample.sparsity {
      #expect(abs(last.sparsity - target) < 1.5 / 144, "\(sample) is at \(last.sparsity)")
    } else {
      #expect(last.sparsity > 0.2)
    }
    #expect(try #require(last.test_accuracy) > 0.8, "\(sample)")
    let zeros = ["w0", "w1"].reduce(0) { sum, name in
      sum + (result.graph.tensors[name]?.doubles.count { $0 == 0 } ?? 0)
    }
    #expect(abs(Double(zeros) / 144 - last.sparsity) < 1e-9)
  }

  /// Every method learns from a teacher where labels say nothing.
  @Test(arguments: MethodSamples.all) func methodsLearnFromTeachers(_ sample: MethodSamples) throws
  {
    let teacher = try Trainer(try Small.mlp(), data: data, settings: settings()).train().graph
    var settings = settings(epochs: 12)
    settings.loss = TrainingLoss(distillation: Distillation(share: 1, temperature: 2))
    let blank = TensorData(data.inputs, labels: [Int](repeating: 0, count: data.count))
    let result = try Trainer(
      try Small.mlp(seed: 6), data: blank, held: held, settings: settings, method: sample.method,
      teacher: teacher
    ).train()
    #expect(try #require(result.history.last?.test_accuracy) > 0.75, "\(sample)")
  }

  /// Stopped at any step, a run that goes on from its checkpoint ends with the same bits.
  @Test(arguments: MethodSamples.all) func interruptedRunsEndTheSame(
    _ sample: MethodSamples
  ) throws {
    let settings = settings(epochs: 12)
    let whole = try Trainer(
      try Small.mlp(), data: data, held: held, settings: settings, method: sample.method
    ).train()
    var random = SeededGenerator(seed: 99)
    let store = MemoryStore()
    var stops = (0..<4).map { _ in Int.random(in: 1..<70, using: &random) }.sorted()
    var result: TrainingResult?
    while result == nil {
      var run = TrainingRun()
      run.checkpoints = store
      run.checkpointSteps = 5
      let stop = stops.isEmpty ? nil : stops.removeFirst()
      var seen = 0
      run.progress = { progress in
        if !progress.endsEpoch { seen = Int((progress.fraction * 72).rounded()) }
      }
      // Half of the runs are killed: what came after their last checkpoint is lost.
      let isKilled = stops.count % 2 == 0
      run.isStopped = {
        let stops = stop.map { seen >= $0 } ?? false
        store.isLost = stops && isKilled
        return stops
      }
      do {
        result = try Trainer(
          try Small.mlp(), data: data, held: held, settings: settings, method: sample.method,
          run: run
        ).train()
      } catch TrainError.stopped {}
      store.isLost = false
    }
    #expect(store.saves > 4)
    #expect(result?.graph.tensors == whole.graph.tensors, "\(sample), seed 99")
    func comparable(_ history: [EpochMetrics]?) -> [EpochMetrics] {
      (history ?? []).map { metrics in
        var metrics = metrics
        metrics.seconds = 0
        return metrics
      }
    }
    #expect(comparable(result?.history) == comparable(whole.history))
  }

  /// Plans that know of zeros compute the same, but for rounding; also after an interruption.
  @Test(arguments: [false, true]) func sparseConvolutionsTrainAlike(isInterrupted: Bool) throws {
    let images = Small.clusters(64, shape: [2, 4, 4])
    let graph = try Small.convolutional()
    var settings = settings(epochs: 2)
    settings.schedule = LearningRateSchedule(0.05)
    let mask = MaskSettings(
      sparsity: 0.85, selection: LayerSelection(exclude: ["head*"]))
    struct Plain: SparsityMethod {
      var fixed: FixedMask
      var name: String { "plain" }
      mutating func begin(_ run: TrainingContext) throws(TrainError) { try fixed.begin(run) }
    }
    let dense = try Trainer(
      graph, data: images, settings: settings, method: Plain(fixed: FixedMask(choosing: mask))
    ).train()
    var run = TrainingRun()
    let store = MemoryStore()
    run.checkpoints = isInterrupted ? store : nil
    if isInterrupted {
      var seen = 0
      run.progress = { _ in seen += 1 }
      run.isStopped = { seen == 3 }
      #expect(throws: TrainError.self) {
        try Trainer(
          graph, data: images, settings: settings, method: FixedMask(choosing: mask), run: run
        ).train()
      }
    }
    let sparse = try Trainer(
      graph, data: images, settings: settings, method: FixedMask(choosing: mask), run: run
    ).train()
    for (name, tensor) in dense.graph.tensors {
      let other = try #require(sparse.graph.tensors[name])
      for (a, b) in zip(tensor.doubles, other.doubles) {
        #expect(abs(a - b) < 1e-4, "\(name)")
        #expect((a == 0) == (b == 0))
      }
    }
    let zeros = sparse.graph.tensors["conv.weight"]?.doubles.count { $0 == 0 }
    #expect(zeros == 77)
  }

  @Test func checkpointsOfOthersAreRefused() throws {
    let store = MemoryStore()
    var run = TrainingRun()
    (run.checkpoints, run.signature, run.checkpointSteps) = (store, "one", 3)
    run.isStopped = { store.saves > 0 }
    #expect(throws: TrainError.self) {
      try Trainer(try Small.mlp(), data: data, settings: settings(), run: run).train()
    }
    run.signature = "two"
    #expect(throws: TrainError.self) {
      try Trainer(try Small.mlp(), data: data, settings: settings(), run: run).train()
    }
    // Each of its parts missing, or of another shape, is an error that says so.
    let state = try #require(store.state)
    run.signature = "one"
    run.isStopped = { false }
    for name in state.keys.sorted() where name != "method" {
      for replacement in [nil, Tensor([Float(1)])] {
        let damaged = MemoryStore()
        damaged.state = state
        damaged.state?[name] = replacement
        run.checkpoints = damaged
        #expect(throws: TrainError.self, "\(name)") {
          try Trainer(try Small.mlp(), data: data, settings: settings(), run: run).train()
        }
      }
    }
  }

  @Test func dataThatDoNotFitAreErrors() throws {
    let graph = try Small.mlp()
    var settings = settings()
    let unlabelled = TensorData(data.inputs)
    let wrong = TensorData(data.inputs, labels: [Int](repeating: 3, count: data.count))
    let narrow = Small.clusters(40, shape: [5])
    for bad in [unlabelled, wrong, narrow] {
      #expect(throws: TrainError.self) {
        try Trainer(graph, data: bad, settings: settings).train()
      }
    }
    settings.augmentation = Augmentation(flips: true)
    #expect(throws: TrainError.self) { _ = try Trainer(graph, data: data, settings: settings) }
    settings.augmentation = Augmentation()
    settings.schedule.rate = 1e30
    #expect(throws: TrainError.self) {
      try Trainer(graph, data: data, settings: settings).train()
    }
  }
}
