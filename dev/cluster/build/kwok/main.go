// The simulated nodes of the test cluster: the controllers of kwok. Its own command also serves logs and shells of pods, with clients of a newer
// Kubernetes than the cluster's.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	nodestages "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/utils/client"
	"sigs.k8s.io/kwok/pkg/utils/slices"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "of the cluster")
	stages := flag.String("stages", "", "YAML file with what its pods live through; nodes are ready and no more")
	nodes := flag.String("nodes", "", "label selector of the simulated nodes")
	podCIDR := flag.String("pod-cidr", "", "addresses of their pods")
	nodeIP := flag.String("node-ip", "", "address of each of them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *stages, controllers.Config{ManageNodesWithLabelSelector: *nodes, CIDR: *podCIDR, NodeIP: *nodeIP}); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, stages string, conf controllers.Config) error {
	objects, err := config.Load(ctx, stages)
	if err != nil {
		return err
	}
	node, err := config.UnmarshalWithType[*internalversion.Stage](nodestages.DefaultNodeInit)
	if err != nil {
		return err
	}
	all := append(config.FilterWithType[*internalversion.Stage](objects), node)
	conf.LocalStages = slices.GroupBy(all, func(stage *internalversion.Stage) internalversion.StageResourceRef { return stage.Spec.ResourceRef })
	if err := connect(&conf, kubeconfig); err != nil {
		return err
	}
	defaults := config.GetKwokConfiguration(ctx).Options
	conf.Clock = clock.RealClock{}
	conf.PodPlayStageParallelism = defaults.PodPlayStageParallelism
	conf.NodePlayStageParallelism = defaults.NodePlayStageParallelism
	conf.PodsOnNodeSyncParallelism = defaults.PodsOnNodeSyncParallelism
	conf.NodeLeaseParallelism = defaults.NodeLeaseParallelism
	conf.ID = "kwok" // always the same, so that one started anew holds the leases of its nodes at once
	conf.NodeLeaseDurationSeconds = 40 // as a kubelet; it is renewed four times as often, and a node is given up after 50 s without
	controller, err := controllers.NewController(conf)
	if err != nil {
		return err
	}
	if err := controller.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func connect(conf *controllers.Config, kubeconfig string) error {
	clients, err := client.NewClientset("", kubeconfig)
	if err != nil {
		return err
	}
	access, err := clients.ToRESTConfig()
	if err != nil {
		return err
	}
	if conf.DynamicClient, err = clients.ToDynamicClient(); err != nil {
		return err
	}
	if conf.RESTMapper, err = clients.ToRESTMapper(); err != nil {
		return err
	}
	if conf.RESTClient, err = rest.RESTClientFor(access); err != nil {
		return err
	}
	conf.ImpersonatingDynamicClient = clients.ToImpersonatingDynamicClient()
	conf.ImpersonatingTypedClient = clients.ToImpersonatingTypedClient()
	conf.TypedClient, err = kubernetes.NewForConfig(access)
	return err
}
