package io.linkloom.reporter.spring;

import io.linkloom.reporter.TraceNode;
import org.springframework.aop.Advisor;
import org.springframework.aop.config.AopConfigUtils;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.annotation.AnnotationMatchingPointcut;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.type.AnnotationMetadata;

/** Registers the advisor of {@link TraceNode} and who makes proxies of beans for it. */
class TraceNodeRegistrar implements ImportBeanDefinitionRegistrar {
    private static final String ADVISOR = "io.linkloom.reporter.traceNodeAdvisor";
    private static final String DECORATOR = "linkTaskDecorator";

    @Override
    public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
        AopConfigUtils.registerAutoProxyCreatorIfNecessary(registry);
        if (!registry.containsBeanDefinition(ADVISOR)) {
            RootBeanDefinition advisor = new RootBeanDefinition(Advisor.class, TraceNodeRegistrar::advisor);
            advisor.setRole(BeanDefinition.ROLE_INFRASTRUCTURE);
            registry.registerBeanDefinition(ADVISOR, advisor);
        }
        if (!registry.containsBeanDefinition(DECORATOR)) {
            registry.registerBeanDefinition(DECORATOR, new RootBeanDefinition(LinkTaskDecorator.class, LinkTaskDecorator::new));
        }
    }

    static Advisor advisor() {
        return new DefaultPointcutAdvisor(new AnnotationMatchingPointcut(null, TraceNode.class, true), new TraceNodeInterceptor());
    }
}
